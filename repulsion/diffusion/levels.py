"""Noise levels in variance-exploding coordinates, x = x0 + sigma eps: from a model's betas to a list of sigmas.

A list of L levels is L sigmas that fall strictly, then a last 0; level k leads from sigma_k to sigma_{k+1}.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput, require_at_least, require_one_of
from repulsion.core.settings import NotNegative, Positive, settings

# n latents of any shape, in variance-exploding coordinates.
Latents = Float[Tensor, "n *shape"]
KARRAS_RHO = 7.0
# The abar that stands for a terminal 0 (zero terminal SNR), where sigma would be infinite: sigma is 4096, as diffusers'
# Euler scheduler has it.
LEAST_ABAR = 2.0**-24


@settings
class NoiseRange:
    """The noise levels at which a part of a method acts: sigma_min <= sigma <= sigma_max, all of them by default. In
    sigmas and not in numbers of steps, so that a method is the same at any number of levels."""

    _: KW_ONLY
    sigma_min: NotNegative = 0.0
    sigma_max: Positive | None = None  # null: infinity

    def __post_init__(self) -> None:
        if self.highest < self.sigma_min:
            raise BadInput(f"sigma_min: expected at most sigma_max ({self.sigma_max}), got {self.sigma_min}")

    @property
    def highest(self) -> float:
        return math.inf if self.sigma_max is None else self.sigma_max

    def acts_at(self, sigma: float) -> bool:
        return self.sigma_min <= sigma <= self.highest

    def require_level(self, sigmas: list[float], where: str) -> None:
        """Raise BadInput for a range without any of the noise levels (falling): the part would never act."""
        if not any(map(self.acts_at, sigmas)):
            there = "none is finite"
            if sigmas:
                there = f"the {len(sigmas)} levels are within {sigmas[-1]:.4g} .. {sigmas[0]:.4g}"
            raise BadInput(f"{where}: no noise level within sigma {self.sigma_min} .. {self.highest}; {there}")


def scaled_linear_abar(beta_start: float, beta_end: float, timesteps: int) -> Float[Tensor, " t"]:
    """Cumulative products of 1 - beta for betas that are linear in their square root (Stable Diffusion), float64."""
    betas = torch.linspace(beta_start**0.5, beta_end**0.5, timesteps, dtype=torch.float64).square()
    return torch.cumprod(1 - betas, 0)


def sigma_table(abar: Float[Tensor, " t"]) -> Float[Tensor, " t"]:
    """sigma_t = sqrt((1 - abar_t) / abar_t) of every training timestep, on the CPU, wherever the scheduler keeps its
    own; it rises with t."""
    abar = abar.cpu().double()
    abar = torch.where(abar == 0, LEAST_ABAR, abar)
    return ((1 - abar) / abar).sqrt()


def interpolate(x: Float[Tensor, " k"], xs: Float[Tensor, " t"], ys: Float[Tensor, " t"]) -> Float[Tensor, " k"]:
    """Linear interpolation of the points (xs, ys), xs rising, at x inside their range."""
    right = torch.searchsorted(xs, x).clamp(1, len(xs) - 1)
    share = (x - xs[right - 1]) / (xs[right] - xs[right - 1])
    return ys[right - 1] + share * (ys[right] - ys[right - 1])


def linspace_levels(table: Float[Tensor, " t"], levels: int) -> Float[Tensor, " sigmas"]:
    """The thesis's levels: timesteps linspace(0, T - 1, L) reversed, sigma interpolated between the integer ones."""
    t = torch.linspace(len(table) - 1, 0, levels, dtype=torch.float64)
    sigmas = interpolate(t, torch.arange(len(table), dtype=torch.float64), table)
    return torch.cat([sigmas, torch.zeros(1, dtype=torch.float64)])


def karras_levels(table: Float[Tensor, " t"], levels: int) -> Float[Tensor, " sigmas"]:
    """Levels of Karras et al. 2022, eq. 5, with rho 7, between the table's largest and smallest sigma."""
    ramp = torch.linspace(0, 1, levels, dtype=torch.float64)
    top, bottom = table[-1] ** (1 / KARRAS_RHO), table[0] ** (1 / KARRAS_RHO)
    sigmas = (top + ramp * (bottom - top)) ** KARRAS_RHO
    return torch.cat([sigmas, torch.zeros(1, dtype=torch.float64)])


SCHEDULES: dict[str, Callable[[Float[Tensor, " t"], int], Float[Tensor, " sigmas"]]] = {
    "linspace": linspace_levels,
    "karras": karras_levels,
}


PIPELINE_LEVELS = "pipeline"  # the levels at which a pipeline's own call samples: its family knows them
SCHEDULE_NAMES = (*SCHEDULES, PIPELINE_LEVELS)


def require_schedule(schedule: str) -> None:
    require_one_of(schedule, SCHEDULE_NAMES, "schedule")


def noise_levels(schedule: str, table: Float[Tensor, " t"], levels: int) -> Float[Tensor, " sigmas"]:
    """`levels` sigmas and a last 0, by a named schedule. Raises BadInput for an unknown name or levels < 2."""
    require_one_of(schedule, SCHEDULES, "schedule")
    require_at_least("levels", levels, 2)
    return SCHEDULES[schedule](table, levels)
