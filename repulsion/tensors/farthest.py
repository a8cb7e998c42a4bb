"""Rows that lie far apart."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def farthest(phi: Float[Tensor, "m d"], n: int) -> list[int]:
    """n rows, chosen greedily: the first, then always the one whose nearest chosen row is farthest (Gonzalez 1985). In
    the order of the rows."""
    chosen = [0]
    nearest = (phi - phi[0]).norm(dim=1)
    while len(chosen) < n:
        nearest[chosen] = -1  # a row is chosen once, copies included
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (phi - phi[chosen[-1]]).norm(dim=1))
    return sorted(chosen)
