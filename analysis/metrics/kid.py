"""Kernel Inception distance: MMD with the cubic kernel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from analysis.metrics.samples import Replicates, Sample, TwoSamples, across_means, within_means
from repulsion.core.errors import BadInput


def kid(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """Unbiased squared MMD with k(x, y) = (x . y / d + 1)^3 (Binkowski et al. 2018), over all pairs at once: their
    subsets only save memory. Depends on the features' scale; single values may be negative. Raises BadInput for fewer
    than 2 rows."""
    return float(kid_replicates(TwoSamples.whole(a, b))[0])


def kid_replicates(pair: TwoSamples) -> Replicates:
    """kid of all own rows, then without each part."""
    own, other = pair.own, pair.other
    if min(own.sizes.min(), len(other.x)) < 2:
        raise BadInput(f"KID: expected at least 2 rows on each side, got {own.sizes.min():.0f} and {len(other.x)}")
    d = own.x.shape[1]
    within = within_means(cubic(own, d), own) + within_means(cubic(other, d), other)[0]
    return within - 2 * across_means(cubic(pair, d), own)


def cubic(of: Sample | TwoSamples, d: int) -> Float[np.ndarray, "n m"]:
    """(x . y / d + 1)^3 of the pairs of a sample's rows, or of own and other rows; d is their columns."""
    base = of.products
    base /= d
    base += 1
    kernel = base * base  # numpy's power takes ten times as long
    kernel *= base
    return kernel
