"""Kernel Inception distance: MMD with the cubic kernel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pipeline.params import BadInput


def kid(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """Unbiased squared MMD with k(x, y) = (x . y / d + 1)^3 (Binkowski et al. 2018), over all pairs at once: their
    subsets only save memory. Depends on the features' scale; single values may be negative."""
    if len(a) < 2 or len(b) < 2:
        raise BadInput(f"KID: expected at least 2 rows on each side, got {len(a)} and {len(b)}")
    within = []
    for x in (a, b):
        k = cubic(x, x)
        within.append((k.sum() - np.trace(k)) / (len(x) * (len(x) - 1)))
    return float(sum(within) - 2 * cubic(a, b).mean())


def cubic(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    return (a @ b.T / a.shape[1] + 1) ** 3
