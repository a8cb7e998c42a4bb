"""Joint starts: the initial noise of a set's particles depends on each other, and that of each alone is as it was."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from repulsion.core.settings import settings
from repulsion.diffusion.levels import Latents


@settings
class Coupling:
    """Starts that sum to zero (C2C, Jia et al. 2026) within groups of `group` particles, in order; null: the set."""

    group: Annotated[int, Field(ge=2)] | None = None


def coupled(z: Latents, coupling: Coupling) -> Latents:
    """sqrt(m / (m - 1)) (z_i - mean_j z_j) over each group of m: standard normal again, with covariance -1 / (m - 1)
    between two particles of a group. A particle that is alone keeps its own."""
    groups = z.split(coupling.group or max(len(z), 1))
    return torch.cat([(m / (m - 1)) ** 0.5 * (g - g.mean(0)) if (m := len(g)) > 1 else g for g in groups])
