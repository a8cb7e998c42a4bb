"""The artists' table as tensors: one row for each artist, for painting a batch of mixed artists by one formula."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.world.painted.artists import ARTISTS, Artist

COLOURS = ("ground_a", "ground_b", "body", "accent", "line")


def rgb(colour: str) -> tuple[float, float, float]:
    """ "#rrggbb" as three numbers in [0, 1]."""
    return tuple(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))


@lru_cache(maxsize=1)
def palettes() -> dict[str, Float[Tensor, "artists 3"]]:
    return {c: torch.tensor([rgb(getattr(a, c)) for a in ARTISTS]) for c in COLOURS}


@lru_cache(maxsize=1)
def numbers() -> dict[str, Float[Tensor, " artists"]]:
    """Every numeric column of the table."""
    names = [f.name for f in fields(Artist) if f.name != "name" and f.name not in COLOURS]
    return {n: torch.tensor([float(getattr(a, n)) for a in ARTISTS]) for n in names}
