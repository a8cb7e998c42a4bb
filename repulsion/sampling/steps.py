"""Steps of one sampler: prediction steps to the next noise level, correction steps at one level.

`drift(x, sigma)` is the score, or the score with repulsion; `noise` is a standard normal draw of x's shape. With
score = (x0 - x) / sigma^2 the Euler step of the probability flow is x + sigma (sigma - sigma_next) score.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from repulsion.diffusion.levels import Latents

Drift = Callable[[Tensor, float], Tensor]
Draw = Callable[[], Tensor]
Step = Callable[[Tensor, float, float, Drift, Draw], Tensor]


def step_size(sigma: float, sigma_next: float) -> float:
    """eta = sigma (sigma - sigma_next)."""
    return sigma * (sigma - sigma_next)


def euler(x: Latents, sigma: float, sigma_next: float, drift: Drift, draw: Draw) -> Latents:
    return x + step_size(sigma, sigma_next) * drift(x, sigma)


def ancestral(x: Latents, sigma: float, sigma_next: float, drift: Drift, draw: Draw) -> Latents:
    """Euler to sigma_down, then fresh noise up to sigma_next, of variance sigma_next^2 (1 - sigma_next^2 / sigma^2)."""
    variance_up = sigma_next**2 * (1 - sigma_next**2 / sigma**2)
    sigma_down = (sigma_next**2 - variance_up) ** 0.5
    x = x + step_size(sigma, sigma_down) * drift(x, sigma)
    return x + variance_up**0.5 * draw() if sigma_next > 0 else x


def heun(x: Latents, sigma: float, sigma_next: float, drift: Drift, draw: Draw) -> Latents:
    """Second order (Karras et al. 2022, algorithm 1): the mean of the slopes at both ends; Euler to sigma 0."""
    slope = -sigma * drift(x, sigma)  # dx / dsigma
    predicted = x + (sigma_next - sigma) * slope
    if sigma_next == 0:
        return predicted
    slope_next = -sigma_next * drift(predicted, sigma_next)
    return x + (sigma_next - sigma) * (slope + slope_next) / 2


def langevin(x: Latents, sigma: float, sigma_next: float, drift: Drift, draw: Draw) -> Latents:
    """x + eta drift + sqrt(2 eta) noise, with the prediction step's eta: stays at sigma. With repulsion in the drift it
    is the repulsive correction step."""
    eta = step_size(sigma, sigma_next)
    return x + eta * drift(x, sigma) + (2 * eta) ** 0.5 * draw()


def random(x: Latents, sigma: float, sigma_next: float, drift: Drift, draw: Draw) -> Latents:
    """x + sqrt(2 eta) noise, with the prediction step's eta: the noise of a Langevin step alone."""
    return x + (2 * step_size(sigma, sigma_next)) ** 0.5 * draw()


PREDICTIONS: dict[str, Step] = {"euler": euler, "ancestral": ancestral, "heun": heun}
CORRECTIONS: dict[str, Step] = {"langevin": langevin, "random": random}
