"""Pipelines whose network predicts the noise, or v, at discrete timesteps: x / sqrt(sigma^2 + 1) is what it sees."""

from __future__ import annotations

from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput, one_line, require_at_least
from repulsion.diffusion.families.family import Family, Size
from repulsion.diffusion.levels import PIPELINE_LEVELS, interpolate, noise_levels, require_schedule, sigma_table
from repulsion.diffusion.predictions import X0_FROM, prediction_type


class NoisePrediction(Family):
    """Epsilon or v prediction, by the scheduler's configuration. Raises BadInput for another."""

    def __init__(self, pipe: object) -> None:
        super().__init__(pipe)
        self.prediction = prediction_type(pipe.scheduler)

    @property
    def table(self) -> Float[Tensor, " t"]:
        """sigma of every training timestep."""
        return sigma_table(self.pipe.scheduler.alphas_cumprod)

    def sigmas(self, schedule: str, levels: int, size: Size) -> Float[Tensor, " sigmas"]:
        require_schedule(schedule)
        if schedule == PIPELINE_LEVELS:
            return levels_of_scheduler(self.pipe.scheduler, levels, self.table)
        return noise_levels(schedule, self.table, levels)

    def timestep(self, sigma: float) -> Float[Tensor, "1"]:
        """The timestep whose sigma this is, between the integer ones by linear interpolation."""
        table = self.table
        t = interpolate(torch.tensor([sigma], dtype=torch.float64), table, torch.arange(len(table)).double())
        return t.to(torch.float32).to(self.device)

    def time(self, sigma: float) -> float:
        table = self.table
        timesteps = torch.arange(len(table), dtype=torch.float64)
        return interpolate(torch.tensor([sigma], dtype=torch.float64), table, timesteps).item() / timesteps[-1].item()

    def network_input(self, x: Float[Tensor, "n c h w"], sigma: float) -> Float[Tensor, "n c h w"]:
        return x / (sigma**2 + 1) ** 0.5

    def x0_from(
        self, x: Float[Tensor, "n c h w"], predicted: Float[Tensor, "n c h w"], sigma: float
    ) -> Float[Tensor, "n c h w"]:
        return X0_FROM[self.prediction](x, predicted, sigma)


def levels_of_scheduler(scheduler: object, levels: int, table: Float[Tensor, " t"]) -> Float[Tensor, " sigmas"]:
    """The noise levels at which the pipeline's own scheduler calls the network. Those that it calls twice, as solvers
    of second order do, are one. Raises BadInput where they are not as many as were to be."""
    require_at_least("levels", levels, 1)
    own = deepcopy(scheduler)
    try:
        own.set_timesteps(levels)
    except ValueError as error:  # of schedulers that know few steps
        raise BadInput(f"schedule {PIPELINE_LEVELS}: {levels} levels: {one_line(error)}") from None
    found = getattr(own, "sigmas", None)
    if found is None:
        found = interpolate(own.timesteps.cpu().double(), torch.arange(len(table)).double(), table)
    found = found.cpu().double()
    found = found[found > 0].unique().flip(0)
    if len(found) != levels:
        name = type(scheduler).__name__
        raise BadInput(f"schedule {PIPELINE_LEVELS}: {name} has {len(found)} noise levels, expected {levels}")
    return torch.cat([found, torch.zeros(1, dtype=torch.float64)])
