"""Inputs: what an embedding sees of the latents, as a function of x, from which a force is pulled back to x."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Input:
    """`apply`: (x, x0, sigma) -> what phi sees; x requires a gradient, x0 is the denoiser's prediction. Where it is
    `through_denoiser`, x0 comes with its graph, and the force costs one backward pass through the denoiser."""

    apply: Callable[[Tensor, Tensor, float], Tensor]
    through_denoiser: bool = False


# x itself; x at unit scale, as a U-Net sees it; the predicted x0, taken to move with x one to one; x0 as it does move.
INPUTS: dict[str, Input] = {
    "noisy": Input(lambda x, x0, sigma: x),
    "scaled": Input(lambda x, x0, sigma: x * (sigma**2 + 1) ** -0.5),
    "x0": Input(lambda x, x0, sigma: x0.detach() + (x - x.detach())),
    "denoised": Input(lambda x, x0, sigma: x0, through_denoiser=True),
}
