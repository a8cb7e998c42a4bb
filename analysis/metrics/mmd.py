"""Maximum mean discrepancy with an RBF kernel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import squareform

from analysis.metrics.samples import Replicates, Sample, TwoSamples, across_means, within_means
from repulsion.core.errors import BadInput


def bandwidth(reference: Float[np.ndarray, "m d"]) -> float:
    """Median squared distance between two rows of the reference: one number for all that is compared with it."""
    return median_of_pairs(Sample.whole(reference).squared)


def median_of_pairs(squared: Float[np.ndarray, "m m"]) -> float:
    """Median over the pairs i < j of a matrix of squared distances. Raises BadInput where it is 0."""
    h = float(np.median(squareform(squared, checks=False)))
    if h == 0:
        raise BadInput("MMD: more than half of the reference's pairs are equal; no bandwidth can be taken from them")
    return h


def mmd(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """Unbiased squared MMD, k(x, y) = exp(-|x - y|^2 / h), h the median squared distance within b (Gretton et al. 2012,
    eq. 3). Raises BadInput for fewer than 2 rows, and where h is 0.

    The diagonals are left out, so that the expected value for two samples of one distribution is 0 at any n, and single
    values may be negative. Rows that are dealt out evenly (as many of each artist) lie closer to each other than
    independent draws, and their expected value is below 0.
    """
    return float(mmd_replicates(TwoSamples.whole(a, b))[0])


def mmd_replicates(pair: TwoSamples) -> Replicates:
    """mmd of all own rows, then without each part."""
    own, other = pair.own, pair.other
    require_two_rows(own, other)
    h = median_of_pairs(other.squared)
    within = within_means(rbf(own.squared, h), own) + within_means(rbf(other.squared, h), other)[0]
    return within - 2 * across_means(rbf(pair.squared, h), own)


def mmd_of_pairs(pairs: Float[np.ndarray, "n two_d"]) -> float:
    """mmd between rows a_i and b_i that are drawn together, each row of `pairs` the two side by side: pairs (i, i)
    are left out of the mean over both sets too, or sets of one distribution would be at less than 0."""
    return float(mmd_of_pairs_replicates(TwoSamples.whole(*np.hsplit(pairs, 2)))[0])


def mmd_of_pairs_replicates(pair: TwoSamples) -> Replicates:
    """mmd_of_pairs of all pairs of rows, then without each part, which is left out of both sides; so h moves too."""
    require_two_rows(pair.own, pair.other)
    values = []
    for keep in pair.own.kept:
        rows = np.ix_(keep, keep)
        h = median_of_pairs(pair.other.squared[rows])
        own, other, across = (off_diagonal_mean(rbf(m.squared[rows], h)) for m in (pair.own, pair.other, pair))
        values.append(own + other - 2 * across)
    return np.array(values)


def rbf(squared: Float[np.ndarray, "n m"], h: float) -> Float[np.ndarray, "n m"]:
    """exp(-|x - y|^2 / h) from squared distances."""
    kernel = squared / -h
    return np.exp(kernel, out=kernel)


def off_diagonal_mean(kernel: Float[np.ndarray, "n n"]) -> float:
    n = len(kernel)
    return (kernel.sum() - np.trace(kernel)) / (n * (n - 1))


def require_two_rows(own: Sample, other: Sample) -> None:
    if min(own.sizes.min(), len(other.x)) < 2:
        raise BadInput(f"MMD: expected at least 2 rows on each side, got {own.sizes.min():.0f} and {len(other.x)}")
