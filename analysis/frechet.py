"""The Fréchet distance between two feature sets, as Gaussians."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, eigvalsh, qr, svdvals
from scipy.linalg.blas import dsyrk

from pipeline.params import BadInput

LARGE = 256  # columns, from which on time matters more than the last digits


def frechet(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) (Heusel et al. 2017), in float64, for any n and m from 2 on.

    Below about n = 2 d the value is biased upwards, more for the more diverse set; it is not zero for two samples of
    one distribution.
    """
    if len(a) < 2 or len(b) < 2:
        raise BadInput(f"Fréchet distance: expected at least 2 rows on each side, got {len(a)} and {len(b)}")
    (mean_a, a), (mean_b, b) = root(a), root(b)
    large = LARGE < a.shape[1] < min(len(a), len(b))
    cross = root_trace_of_covariances(a, b) if large else root_trace(a, b)
    return float(np.square(mean_a - mean_b).sum() + np.vdot(a, a) + np.vdot(b, b) - 2 * cross)


def root(x: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "n d"]]:
    """The mean of the rows, and a matrix a with a^T a their covariance: the centred rows over sqrt(n - 1)."""
    x = np.asarray(x, np.float64)
    mean = x.mean(0)
    a = x - mean
    a *= (len(x) - 1) ** -0.5  # in place: at 10,000 x 2048 every copy costs a tenth of a second
    return mean, a


def root_trace(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """tr (S_a S_b)^(1/2) with S_a = a^T a, S_b = b^T b: the nuclear norm of a b^T, as the eigenvalues of S_a S_b are
    the squared singular values of a b^T. Exact for covariances of any rank; no d x d matrix is rooted."""
    return float(svdvals(triangle(a) @ triangle(b).T).sum())


def triangle(a: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "k d"]:
    """A matrix R with R^T R = a^T a, of at most d rows."""
    return qr(a, mode="r", check_finite=False)[0][: a.shape[1]] if len(a) > a.shape[1] else a


def root_trace_of_covariances(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """The same from the covariances, four times as fast where there are more rows than columns: with S_b = L L^T the
    eigenvalues of S_a S_b are those of the symmetric L^T S_a L. Where S_b has no such root, the exact way."""
    lower = [dsyrk(1.0, x.T, lower=1) for x in (a, b)]
    try:
        eigenvalues = eigvalsh(*lower, type=2, driver="gv", check_finite=False)
    except LinAlgError:  # columns that depend on each other
        return root_trace(a, b)
    return float(np.sqrt(eigenvalues.clip(min=0)).sum())
