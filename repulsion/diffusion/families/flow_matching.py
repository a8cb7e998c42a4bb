"""Pipelines whose network predicts the velocity of a flow from noise to images (rectified flow).

t = 1 is noise alone and sigma = infinity: all of these pipelines start there, and so does the sampler.
"""

from __future__ import annotations

from abc import abstractmethod
from copy import deepcopy

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput, require_at_least
from repulsion.diffusion.families.family import Family, Size
from repulsion.diffusion.levels import PIPELINE_LEVELS, require_schedule
from repulsion.diffusion.predictions import flow_sigma, flow_state, flow_time, x0_from_velocity


class FlowMatching(Family):
    """Velocity prediction, at times that the scheduler shifts: by a factor of sigma, which may depend on the size."""

    part = "transformer"

    @abstractmethod
    def tokens(self, size: Size) -> int:
        """How many patches of the image the network sees: what the shift depends on."""

    @abstractmethod
    def base_times(self, levels: int) -> np.ndarray | None:
        """The times before the shift that the pipeline's own call gives its scheduler; None: the scheduler's own."""

    def sigmas(self, schedule: str, levels: int, size: Size) -> Float[Tensor, " sigmas"]:
        """`linspace`: shifted times linspace(1, 1 / T, levels) for T training timesteps."""
        require_schedule(schedule)
        require_at_least("levels", levels, 1)
        scheduler = deepcopy(self.pipe.scheduler)  # not from its configuration: a caller may have set its shift
        steps = scheduler.config.num_train_timesteps
        base = {PIPELINE_LEVELS: self.base_times, "linspace": lambda n: np.linspace(1, 1 / steps, n)}
        if schedule not in base:
            raise BadInput(f"schedule {schedule} needs a highest finite sigma; expected one of {', '.join(base)}")
        shift = {"mu": self.mu(size)} if scheduler.config.use_dynamic_shifting else {}
        scheduler.set_timesteps(levels, sigmas=base[schedule](levels), **shift)
        times = scheduler.sigmas.double().tolist()  # the scheduler's sigma is a time
        return torch.tensor([flow_sigma(t) for t in times], dtype=torch.float64)

    def mu(self, size: Size) -> float:
        """The shift of larger images: a line through (base_image_seq_len, base_shift) and (max_image_seq_len,
        max_shift), at the image's number of tokens (Esser et al. 2024)."""
        c = self.pipe.scheduler.config
        slope = (c.max_shift - c.base_shift) / (c.max_image_seq_len - c.base_image_seq_len)
        return c.base_shift + slope * (self.tokens(size) - c.base_image_seq_len)

    def time(self, sigma: float) -> float:
        return flow_time(sigma)

    def network_input(self, x: Float[Tensor, "n c h w"], sigma: float) -> Float[Tensor, "n c h w"]:
        return flow_state(x, sigma)

    def x0_from(
        self, x: Float[Tensor, "n c h w"], predicted: Float[Tensor, "n c h w"], sigma: float
    ) -> Float[Tensor, "n c h w"]:
        return x0_from_velocity(x, predicted, sigma)
