"""x0 from what a network predicts, in variance-exploding coordinates, x = x0 + sigma eps."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from repulsion.core.errors import require_one_of

# v-prediction: Salimans & Ho 2022.
X0_FROM: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "epsilon": lambda x, eps, sigma: x - sigma * eps,
    "v_prediction": lambda x, v, sigma: x / (sigma**2 + 1) - v * (sigma / (sigma**2 + 1) ** 0.5),
}


def prediction_type(scheduler: object) -> str:
    """What the network predicts. Raises BadInput for what x0 is not computed from here."""
    found = scheduler.config.get("prediction_type", "epsilon")
    require_one_of(found, X0_FROM, "prediction type")
    return found


# Flow matching (Lipman et al. 2023, Liu et al. 2023): x_t = (1 - t) x0 + t eps, and the network predicts the velocity
# eps - x0. In variance-exploding coordinates sigma = t / (1 - t) and x = x_t / (1 - t) = (1 + sigma) x_t. At t = 1
# sigma is infinite and x_t is the noise itself: there, and only there, x stands for eps.


def flow_time(sigma: float) -> float:
    """t in [0, 1] of a sigma."""
    return 1.0 if math.isinf(sigma) else sigma / (1 + sigma)


def flow_sigma(t: float) -> float:
    """sigma of a t in [0, 1]; infinite at 1."""
    return math.inf if t >= 1 else t / (1 - t)


def flow_state(x: Tensor, sigma: float) -> Tensor:
    """x_t of an x."""
    return x if math.isinf(sigma) else x / (1 + sigma)


def x0_from_velocity(x: Tensor, velocity: Tensor, sigma: float) -> Tensor:
    """x_t - t velocity."""
    return x - velocity if math.isinf(sigma) else (x - sigma * velocity) / (1 + sigma)
