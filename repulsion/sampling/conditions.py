"""What changes per noise level before repulsion: the guidance scale, the score, and the prompt's embedding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.core.settings import NotNegative, OneOf, Positive, Share, settings
from repulsion.diffusion.levels import Latents, NoiseRange
from repulsion.forces.energies import BANDWIDTHS, squared_distances

Embedding = Float[Tensor, "n *shape"]  # of a text: [n, tokens, width], or pooled [n, width]


@settings
class Guidance(NoiseRange):
    """A guidance scale of the method's own within a range of noise levels, and none (1) outside of it: the guidance
    interval (Kynkäänniemi et al. 2024), or another constant scale where the range is all.

    Adaptive projected guidance (Sadat et al. 2025, without its momentum): `parallel` is the share that is kept of the
    update along the prediction (1: plain guidance), `max_norm` the largest norm of an update, in latents."""

    scale: Annotated[float, Field(ge=1)]
    _: KW_ONLY
    parallel: Share = 1.0
    max_norm: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.projects and self.scale == 1:
            raise BadInput("scale: expected more than 1 beside parallel or max_norm: there is no update to project")

    @property
    def projects(self) -> bool:
        return self.parallel < 1 or self.max_norm is not None


@settings
class Anneal:
    """CADS (Sadat et al. 2024): the prompt's embedding is noise down to time `last`, then mixed in, and all of it from
    `first` on; times run from 1 (noise) to 0. `noise` is the scale of the noise."""

    first: Share
    last: Share
    noise: NotNegative

    def __post_init__(self) -> None:
        if not self.first < self.last:
            raise BadInput(f"expected first < last, got first {self.first} and last {self.last}")


@settings
class PromptNoise(NoiseRange):
    """Noise on the prompt's embedding at the noise levels of the range, one draw for each image, after
    SeedVarianceEnhancer: uniform within +- `scale` standard deviations of the embedding, on a `share` of its numbers
    (there the size is absolute)."""

    scale: NotNegative
    share: Annotated[float, Field(gt=0, le=1)] = 0.5


@settings
class Rescaling(NoiseRange):
    """Temporal score rescaling (Xu et al. 2025): a local temperature. `k` below 1 flattens the density, 1 is off; the
    data's scale `s` says from which noise level on."""

    k: Positive
    s: Positive = 1.0

    def factor(self, sigma: float) -> float:
        """Of the score: (s^2 + sigma^2) / (s^2 / k + sigma^2), from 1 at high noise to k at none; on Gaussian data of
        variance s^2 sampling then ends at variance s^2 / k."""
        return (self.s**2 + sigma**2) / (self.s**2 / self.k + sigma**2)


@settings
class Driving(NoiseRange):
    """The driving term of SVGD (Liu & Wang 2016): each particle follows the scores of its neighbours too, weighed by a
    Gaussian kernel between noisy latents. The weights sum to one (SVGD's own sum to less, the lonelier a particle is);
    the repulsion beside it is the row's own."""

    bandwidth: Annotated[str, OneOf(BANDWIDTHS, "bandwidth")]


def driven(score: Latents, x: Latents, driving: Driving) -> Latents:
    """sum_j k(x_i, x_j) score_j / sum_j k(x_i, x_j), k(a, b) = exp(-|a - b|^2 / h)."""
    if len(x) == 1:
        return score
    sqdist = squared_distances(x.flatten(1))
    h = BANDWIDTHS[driving.bandwidth](sqdist).clamp(min=torch.finfo(sqdist.dtype).tiny)
    kernel = torch.exp(-sqdist / h)
    return (kernel / kernel.sum(1, keepdim=True) @ score.flatten(1)).view_as(score)


def guidance_schedule(guidance: Guidance) -> Callable[[float], float]:
    """The guidance scale as a function of sigma."""
    return lambda sigma: guidance.scale if guidance.acts_at(sigma) else 1.0


def projected(guidance: Guidance, cond: Latents, null: Latents, weight: float) -> Latents:
    """x0 with guidance: cond + (w - 1) (d_orthogonal + parallel d_parallel), d = cond - null of norm `max_norm` at
    most, its parts taken along each image's cond."""
    update, axes = cond - null, tuple(range(1, cond.ndim))
    if guidance.max_norm is not None:
        norm = update.square().sum(axes, keepdim=True).sqrt()
        update = update * (guidance.max_norm / norm.clamp(min=1e-12)).clamp(max=1)
    along = (update * cond).sum(axes, keepdim=True) / cond.square().sum(axes, keepdim=True).clamp(min=1e-12) * cond
    return cond + (weight - 1) * (update - (1 - guidance.parallel) * along)


def condition_share(anneal: Anneal, time: float) -> float:
    """gamma, in [0, 1]: how much of the prompt's embedding is left at a time in [0, 1]."""
    return min(1.0, max(0.0, (anneal.last - time) / (anneal.last - anneal.first)))


def annealed(condition: Embedding, noise: Embedding, gamma: float, scale: float) -> Embedding:
    """sqrt(gamma) y + scale sqrt(1 - gamma) noise, rescaled to the mean and deviation of each particle's own y (the
    paper's psi = 1; they are numbers over the whole embedding)."""
    noisy = gamma**0.5 * condition + scale * (1 - gamma) ** 0.5 * noise
    axes = tuple(range(1, condition.ndim))
    mean, std = condition.mean(axes, keepdim=True), condition.std(axes, keepdim=True)
    spread = noisy.std(axes, keepdim=True).clamp(min=1e-12)
    return (noisy - noisy.mean(axes, keepdim=True)) / spread * std + mean


def perturbed(condition: Embedding, noise: Embedding, chance: Embedding, p: PromptNoise) -> Embedding:
    """y + scale std(y) u on the numbers that `chance` picks, u uniform in (-1, 1); both from standard normal draws. The
    deviation is that of each particle's own numbers. Zeros are a padding of tokens or of their width: they stay, and
    count for nothing."""
    axes, seen = tuple(range(1, condition.ndim)), condition != 0  # noise is float32, so that all of this is
    n = seen.sum(axes, keepdim=True)
    mean = condition.float().sum(axes, keepdim=True) / n
    std = (((condition.float() - mean) * seen).square().sum(axes, keepdim=True) / (n - 1)).sqrt()
    uniform, picked = 2 * normal_share(noise) - 1, normal_share(chance) < p.share
    return (condition + p.scale * std * uniform * picked * seen).to(condition.dtype)


def normal_share(z: Embedding) -> Embedding:
    """The share of a standard normal below z: uniform in (0, 1) where z is a draw of one."""
    return torch.special.ndtr(z)
