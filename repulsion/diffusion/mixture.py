"""Ground truth for samplers: a mixture of Gaussians, whose denoiser and score are exact at every noise level."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class GaussianMixture:
    """k isotropic Gaussians in d dimensions with one standard deviation and given weights (which sum to 1)."""

    means: Float[Tensor, "k d"]
    std: float
    weights: Float[Tensor, " k"]

    def log_terms(self, x: Float[Tensor, "n d"], sigma: float) -> Float[Tensor, "n k"]:
        """log w_k N(x; mu_k, std^2 + sigma^2), up to the constant that all terms share."""
        return self.weights.log() - torch.cdist(x, self.means).square() / (2 * (self.std**2 + sigma**2))

    def denoise(self, x: Float[Tensor, "n d"], sigma: float) -> Float[Tensor, "n d"]:
        """E[x0 | x0 + sigma eps = x]: each mean, moved towards x by std^2 / (std^2 + sigma^2), by responsibility."""
        responsibility = self.log_terms(x, sigma).softmax(1)
        share = self.std**2 / (self.std**2 + sigma**2)
        return (1 - share) * responsibility @ self.means + share * x

    def score(self, x: Float[Tensor, "n d"], sigma: float) -> Float[Tensor, "n d"]:
        """grad log p_sigma(x), from Tweedie's formula: (E[x0 | x] - x) / sigma^2."""
        return (self.denoise(x, sigma) - x) / sigma**2

    def nearest_mode(self, x: Float[Tensor, "n d"]) -> Int[Tensor, " n"]:
        return torch.cdist(x, self.means).argmin(1)

    def covered_modes(self, x: Float[Tensor, "n d"], within: float) -> int:
        """How many modes have a particle no farther than `within` standard deviations."""
        return int((torch.cdist(x, self.means).amin(0) <= within * self.std).sum())
