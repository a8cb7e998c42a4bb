"""The Fréchet distance between two feature sets, as Gaussians."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import qr, svdvals

from pipeline.params import BadInput


def frechet(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) (Heusel et al. 2017), in float64, for any n and m from 2 on.

    No d x d matrix is rooted: with A, B the centred features over the square roots of n - 1 and m - 1, S_a = A^T A, and
    the last trace is the nuclear norm of A B^T (the eigenvalues of S_a S_b are the squared singular values of A B^T).
    Where there are more rows than columns, A's triangular factor stands in for A. Below about n = 2 d the value is
    biased upwards, more for the more diverse set; it is not zero for two samples of one distribution.
    """
    if len(a) < 2 or len(b) < 2:
        raise BadInput(f"Fréchet distance: expected at least 2 rows on each side, got {len(a)} and {len(b)}")
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean_a, mean_b = a.mean(0), b.mean(0)
    root_a, root_b = square_root(a - mean_a), square_root(b - mean_b)
    cross = svdvals(root_a @ root_b.T).sum()
    return float(np.square(mean_a - mean_b).sum() + np.square(root_a).sum() + np.square(root_b).sum() - 2 * cross)


def square_root(centred: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "k d"]:
    """A matrix R with R^T R the covariance, of at most d rows."""
    scaled = centred / np.sqrt(len(centred) - 1)
    return qr(scaled, mode="r", check_finite=False)[0][: scaled.shape[1]] if len(scaled) > scaled.shape[1] else scaled
