"""The Fréchet distance between two feature sets, as Gaussians."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, eigvalsh, qr, svdvals
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpotrf, dsygst

from analysis.samples import Replicates, TwoSamples, scatters
from pipeline.params import BadInput

LARGE = 256  # columns, from which on time matters more than the last digits


def frechet(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) (Heusel et al. 2017), in float64, for any n and m from 2 on
    (BadInput for fewer).

    Below about n = 2 d the value is biased upwards, more for the more diverse set; it is not zero for two samples of
    one distribution.
    """
    return float(frechet_replicates(TwoSamples.whole(a, b))[0])


def frechet_replicates(pair: TwoSamples) -> Replicates:
    """frechet of all own rows, then without each part."""
    own, other, n = pair.own, pair.other, pair.own.sizes
    if min(n.min(), len(other.x)) < 2:
        raise BadInput(f"Fréchet distance: expected at least 2 rows on each side, got {n.min():.0f} and {len(other.x)}")
    squares = np.einsum("ij,ij->i", own.centred, own.centred)
    spread = own.weights @ squares - n * np.square(own.shifts).sum(1)
    other_spread = np.vdot(other.centred, other.centred)
    means = np.square(own.mean + own.shifts - other.mean).sum(1)
    return means + spread / (n - 1) + other_spread / (len(other.x) - 1) - 2 * root_traces(pair)


def root_traces(pair: TwoSamples) -> Replicates:
    """tr (S_a S_b)^(1/2) of each replicate, with S_a = a^T a and S_b = b^T b, a and b the centred rows over
    sqrt(n - 1): the nuclear norm of a b^T, as the eigenvalues of S_a S_b are the squared singular values of a b^T.

    Three ways to the same number, for few rows, few columns, and many of both. The first two are exact for covariances
    of any rank; where the third meets one without a Cholesky root, the second stands in.
    """
    columns = pair.own.x.shape[1]
    if columns >= min(pair.own.sizes.min(), len(pair.other.x)):
        return root_traces_by_products(pair)
    if columns <= LARGE:
        return root_traces_by_triangles(pair)
    try:
        return root_traces_by_covariances(pair)
    except LinAlgError:  # columns that depend on each other
        return root_traces_by_triangles(pair)


def root_traces_by_products(pair: TwoSamples) -> Replicates:
    """From the inner products of the rows: a b^T is theirs, less the mean over the own rows kept."""
    products, n = pair.centred_products, pair.own.sizes
    norms = [svdvals(products[k] - products[k].mean(0), check_finite=False).sum() for k in pair.own.kept]
    return np.array(norms) / np.sqrt((n - 1) * (len(pair.other.x) - 1))


def root_traces_by_triangles(pair: TwoSamples) -> Replicates:
    """From the triangles R of a = Q R and of b: R_a R_b^T has the singular values of a b^T."""
    own, n = pair.own, pair.own.sizes
    other = triangle(pair.other.centred)
    rows = (own.centred[keep] - shift for keep, shift in zip(own.kept, own.shifts, strict=True))
    norms = [svdvals(triangle(x) @ other.T, check_finite=False).sum() for x in rows]
    return np.array(norms) / np.sqrt((n - 1) * (len(pair.other.x) - 1))


def triangle(a: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "d d"]:
    """A matrix R with R^T R = a^T a."""
    return qr(a, mode="r", check_finite=False)[0][: a.shape[1]]


def root_traces_by_covariances(pair: TwoSamples) -> Replicates:
    """From the covariances: with S_b = L L^T the eigenvalues of S_a S_b are those of the symmetric L^T S_a L. Raises
    LinAlgError where S_b has no root L."""
    own, n = pair.own, pair.own.sizes
    root, failed = dpotrf(dsyrk(1 / (len(pair.other.x) - 1), pair.other.centred.T, lower=1), lower=1, overwrite_a=1)
    if failed:
        raise LinAlgError("the other set's covariance has no Cholesky root")
    traces = []
    for scatter, size, shift in zip(scatters(own.centred, own.kept), n, own.shifts, strict=True):
        covariance = dsyrk(-size, shift[:, None], beta=1.0, c=scatter, lower=1, overwrite_c=1)
        turned, _ = dsygst(covariance, root, itype=2, lower=1, overwrite_a=1)
        eigenvalues = eigvalsh(turned, overwrite_a=True, check_finite=False)
        traces.append(np.sqrt(eigenvalues.clip(min=0)).sum() / np.sqrt(size - 1))
    return np.array(traces)
