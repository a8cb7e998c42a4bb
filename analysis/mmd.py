"""Maximum mean discrepancy with an RBF kernel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist, pdist

from pipeline.params import BadInput


def bandwidth(reference: Float[np.ndarray, "m d"]) -> float:
    """Median squared distance between two rows of the reference: one number for all that is compared with it."""
    h = float(np.median(pdist(reference, "sqeuclidean")))
    if h == 0:
        raise BadInput("MMD: more than half of the reference's pairs are equal; no bandwidth can be taken from them")
    return h


def mmd(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """Unbiased squared MMD, k(x, y) = exp(-|x - y|^2 / h), h the median squared distance within b (Gretton et al. 2012,
    eq. 3).

    The diagonals are left out, so that the expected value for two samples of one distribution is 0 at any n, and single
    values may be negative. Rows that are dealt out evenly (as many of each artist) lie closer to each other than
    independent draws, and their expected value is below 0.
    """
    if len(a) < 2 or len(b) < 2:
        raise BadInput(f"MMD: expected at least 2 rows on each side, got {len(a)} and {len(b)}")
    h = bandwidth(b)
    within = [np.exp(-pdist(x, "sqeuclidean") / h).mean() for x in (a, b)]
    return float(sum(within) - 2 * np.exp(-cdist(a, b, "sqeuclidean") / h).mean())


def mmd_of_pairs(pairs: Float[np.ndarray, "n two_d"]) -> float:
    """mmd between rows a_i and b_i that are drawn together, each row of `pairs` the two side by side: pairs (i, i)
    are left out of the mean over both sets too, or sets of one distribution would be at less than 0."""
    a, b = np.hsplit(pairs, 2)
    n = len(a)
    if n < 2:
        raise BadInput(f"MMD: expected at least 2 rows on each side, got {n}")
    h = bandwidth(b)
    within = [np.exp(-pdist(x, "sqeuclidean") / h).mean() for x in (a, b)]
    across = np.exp(-cdist(a, b, "sqeuclidean") / h)
    return float(sum(within) - 2 * (across.sum() - np.trace(across)) / (n * (n - 1)))
