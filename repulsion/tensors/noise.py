"""Randomness as an argument: one generator per purpose, keyed by what it is for."""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float
from torch import Tensor


def keyed_seed(*keys: str | int) -> int:
    """63 bits that depend on the keys alone.

    Keys are joined by slashes: keep at most one free text among them, at a fixed place, so that no two lists
    read alike.
    """
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def keyed_generator(*keys: str | int) -> torch.Generator:
    """A CPU generator that depends on the keys alone: not on the batch, the device or what was drawn before."""
    return torch.Generator().manual_seed(keyed_seed(*keys))


def particle_noise(
    seed: int, prompt_id: str, indices: list[int], purpose: str, shape: tuple[int, ...]
) -> Float[Tensor, " n *shape"]:
    """A standard normal for each particle, keyed by (seed, prompt_id, index, purpose), float32 on the CPU.

    The same for every method, on any device and in any batch, so that methods are paired and one image can be redone.
    """
    rows = [torch.randn(shape, generator=keyed_generator(seed, prompt_id, index, purpose)) for index in indices]
    return torch.stack(rows)


def coupled(z: Float[Tensor, " n *shape"], group: int | None) -> Float[Tensor, " n *shape"]:
    """sqrt(m / (m - 1)) (z_i - mean_j z_j) over each `group` of m draws, in order (None: over all): standard normal
    again, with covariance -1 / (m - 1) between two of a group (C2C, Jia et al. 2026). A draw that is alone stays."""
    groups = z.split(group or max(len(z), 1))
    return torch.cat([(m / (m - 1)) ** 0.5 * (g - g.mean(0)) if (m := len(g)) > 1 else g for g in groups])
