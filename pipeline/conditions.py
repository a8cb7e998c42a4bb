"""What a method changes in the question put to the denoiser: guidance scale and prompt embedding, level by level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from pipeline.params import BadInput

Condition = Float[Tensor, "n tokens width"]


@dataclass(frozen=True)
class Guidance:
    """A guidance scale of the method's own at `levels` (first, last), and none (1) at the others: the guidance interval
    (Kynkäänniemi et al. 2024), or another constant scale where the levels are all."""

    scale: float
    levels: tuple[int, ...]


@dataclass(frozen=True)
class Anneal:
    """CADS (Sadat et al. 2024): the prompt's embedding is noise down to time `last`, then mixed in, and all of it from
    `first` on; times run from 1 (noise) to 0. `noise` is the scale of the noise."""

    first: float
    last: float
    noise: float

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.last <= 1:
            raise BadInput(f"anneal: expected 0 <= first < last <= 1, got first {self.first} and last {self.last}")


def weights(guidance: Guidance, sigmas: list[float]) -> Callable[[float], float]:
    """The guidance scale at a sigma: its level is the one of the last sigma that is not lower."""
    high, low = (sigmas[level] for level in guidance.levels)
    return lambda sigma: guidance.scale if low <= sigma <= high else 1.0


def share(anneal: Anneal, time: float) -> float:
    """gamma: how much of the embedding is seen at a time in [0, 1]."""
    return min(1.0, max(0.0, (anneal.last - time) / (anneal.last - anneal.first)))


def annealed(condition: Condition, noise: Condition, gamma: float, scale: float) -> Condition:
    """sqrt(gamma) y + scale sqrt(1 - gamma) noise, brought back to the mean and deviation of each particle's own y (the
    paper's psi = 1; they are numbers over the whole embedding)."""
    noisy = gamma**0.5 * condition + scale * (1 - gamma) ** 0.5 * noise
    mean, std = condition.mean((1, 2), keepdim=True), condition.std((1, 2), keepdim=True)
    spread = noisy.std((1, 2), keepdim=True).clamp(min=1e-12)
    return (noisy - noisy.mean((1, 2), keepdim=True)) / spread * std + mean
