"""The Fréchet distance between two feature sets, as Gaussians."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike
from scipy.linalg import LinAlgError, eigvalsh, qr, svdvals
from scipy.linalg.blas import dsymm, dsyrk, dtrsm
from scipy.linalg.lapack import dpotrf, dsygst

from analysis.metrics.samples import Replicates, TwoSamples, scatter, scatters
from repulsion.core.errors import BadInput

LARGE = 256  # columns, from which on time matters more than the last digits
ENOUGH = 1e-6  # largest rounding, as a share of the distance, at which products in float32 stand
PROBES = 16


def frechet(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """|mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) (Heusel et al. 2017), for any n and m from 2 on (BadInput for
    fewer); in float64, but for products of more than LARGE columns where float32's rounding is below ENOUGH of it.

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
    without_roots = means + spread / (n - 1) + other_spread / (len(other.x) - 1)
    return without_roots - 2 * root_traces(pair, without_roots)


def root_traces(pair: TwoSamples, without_roots: Replicates) -> Replicates:
    """tr (S_a S_b)^(1/2) of each replicate, with S_a = a^T a and S_b = b^T b, a and b the centred rows over
    sqrt(n - 1): the nuclear norm of a b^T, as the eigenvalues of S_a S_b are the squared singular values of a b^T.

    Three ways to the same number, for few rows, few columns, and many of both. The first two are exact for covariances
    of any rank; where the third is not exact enough, in float32 or in float64, the second replaces it.
    """
    columns = pair.own.x.shape[1]
    if columns >= min(pair.own.sizes.min(), len(pair.other.x)):
        return root_traces_by_products(pair)
    if columns <= LARGE:
        return root_traces_by_triangles(pair)
    for precision in (np.float32, np.float64):
        with suppress(LinAlgError):
            return root_traces_by_covariances(pair, without_roots, precision)
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


def root_traces_by_covariances(pair: TwoSamples, without_roots: Replicates, precision: DTypeLike) -> Replicates:
    """From the covariances, whose entries are sums of products in the given precision: with S_b = L L^T the eigenvalues
    of S_a S_b are those of the symmetric L^T S_a L. Raises LinAlgError where S_a or S_b has no root L, and where
    rounding may move the distance, `without_roots` less twice the result, by more than ENOUGH of it."""
    own, m = pair.own, len(pair.other.x)
    other = scatter(pair.other.centred, precision) / (m - 1)
    other_root = cholesky_root(other)
    traces = []
    replicates = zip(scatters(own.centred, own.kept, precision), own.sizes, own.shifts, without_roots, strict=True)
    for whole, n, shift, without_root in replicates:
        covariance = dsyrk(-n, shift[:, None], beta=1.0, c=whole, lower=1, overwrite_c=1) / (n - 1)
        stretches = stretch(other, cholesky_root(covariance)), stretch(covariance, other_root)
        spreads = covariance.trace(), other.trace()
        turned, _ = dsygst(covariance, other_root, itype=2, lower=1, overwrite_a=1)
        roots = np.sqrt(eigvalsh(turned, overwrite_a=True, check_finite=False).clip(min=0))
        traces.append(roots.sum())
        if 2 * rounding(roots, spreads, stretches, precision) > ENOUGH * (without_root - 2 * traces[-1]):
            raise LinAlgError(f"products in {np.dtype(precision)} are not exact enough")
    return np.array(traces)


def cholesky_root(covariance: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """The lower triangle L with L L^T = S, of a covariance of which the lower triangle is given."""
    root, failed = dpotrf(covariance, lower=1)
    if failed:
        raise LinAlgError("a covariance has no Cholesky root")
    return root


def stretch(target: Float[np.ndarray, "d d"], source_root: Float[np.ndarray, "d d"]) -> float:
    """tr(S_t S_s^-1), of lower triangles S_t and L, S_s = L L^T, by Hutchinson's estimate: the mean of
    z^T S_t z with z = L^-T v and v of random signs.

    It is at least |T|_F^2, where T is the linear map that carries a Gaussian of covariance S_s to one of S_t.
    """
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (len(target), PROBES))
    z = dtrsm(1.0, source_root, signs, lower=1, trans_a=1)
    return float(np.vdot(z, dsymm(1.0, target, z, lower=1)) / PROBES)


def rounding(
    roots: Float[np.ndarray, " d"], spreads: tuple[float, float], stretches: tuple[float, float], precision: DTypeLike
) -> float:
    """How far tr (S_a S_b)^(1/2) may be off where the entries of S_a and S_b, but for their diagonals, have independent
    errors of eps times the mean variance. `roots` are the eigenvalues of (S_a S_b)^(1/2), `spreads` the traces of S_a
    and S_b, `stretches` tr(S_b S_a^-1) and tr(S_a S_b^-1).

    An error E of S_a moves it by tr(E T) / 2, T the map from a to b: by |T|_F / sqrt(2) of the entries' error. The
    second order always makes it smaller, by sum_ij E_ij^2 / (4 (r_i + r_j)) for S_a = S_b = diag(r), where
    1 / (r_i + r_j) is at most (1 / r_i + 1 / r_j) / 4.
    """
    d = len(roots)
    errors = np.finfo(precision).eps * np.array(spreads) / d
    with np.errstate(divide="ignore"):
        return float(errors @ np.sqrt(stretches) / np.sqrt(2) + errors.prod() * d / 2 * (1 / roots).sum())
