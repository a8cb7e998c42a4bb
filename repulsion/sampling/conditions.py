"""Conditioning per noise level: the guidance scale and the prompt's embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.core.settings import NotNegative, Share, settings
from repulsion.diffusion.levels import NoiseRange

Embedding = Float[Tensor, "n *shape"]  # of a text: [n, tokens, width], or pooled [n, width]


@settings
class Guidance(NoiseRange):
    """A guidance scale of the method's own within a range of noise levels, and none (1) outside of it: the guidance
    interval (Kynkäänniemi et al. 2024), or another constant scale where the range is all."""

    scale: Annotated[float, Field(ge=1)]


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


def guidance_schedule(guidance: Guidance) -> Callable[[float], float]:
    """The guidance scale as a function of sigma."""
    return lambda sigma: guidance.scale if guidance.acts_at(sigma) else 1.0


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
