"""Noise levels in variance-exploding coordinates, x = x0 + sigma eps: from a model's betas to a list of sigmas.

A list of L levels is L sigmas that fall strictly, then a last 0; level k leads from sigma_k to sigma_{k+1}.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.params import BadInput

KARRAS_RHO = 7.0


def scaled_linear_abar(beta_start: float, beta_end: float, timesteps: int) -> Float[Tensor, " t"]:
    """Cumulative products of 1 - beta for betas that are linear in their square root (Stable Diffusion), float64."""
    betas = torch.linspace(beta_start**0.5, beta_end**0.5, timesteps, dtype=torch.float64).square()
    return torch.cumprod(1 - betas, 0)


def sigma_table(abar: Float[Tensor, " t"]) -> Float[Tensor, " t"]:
    """sigma_t = sqrt((1 - abar_t) / abar_t) of every training timestep; it rises with t."""
    abar = abar.double()
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


def noise_levels(schedule: str, table: Float[Tensor, " t"], levels: int) -> Float[Tensor, " sigmas"]:
    """`levels` sigmas and a last 0, by a named schedule. Raises BadInput for an unknown name or levels < 2."""
    if schedule not in SCHEDULES:
        raise BadInput(f"unknown schedule {schedule!r}; expected one of {', '.join(SCHEDULES)}")
    if levels < 2:
        raise BadInput(f"levels: expected at least 2, got {levels}")
    return SCHEDULES[schedule](table, levels)
