import numpy as np
import pytest
from scipy.linalg import LinAlgError, sqrtm, svdvals

from analysis.metrics.frechet import (
    LARGE,
    frechet,
    root_traces,
    root_traces_by_covariances,
    root_traces_by_products,
    root_traces_by_triangles,
    rounding,
    stretch,
)
from analysis.metrics.samples import TwoSamples, scatter
from repulsion.core.errors import BadInput

FAR = np.full(1, 1e6)  # a distance beside which no rounding counts


def with_moments(mean: np.ndarray, covariance: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """n rows whose sample mean and sample covariance are exactly the given ones."""
    x = np.random.default_rng(seed).standard_normal((n, len(mean)))
    x -= x.mean(0)
    root = np.linalg.cholesky(np.atleast_2d(np.cov(x.T)))
    return mean + x @ np.linalg.inv(root).T @ np.linalg.cholesky(covariance).T


def by_square_root(a: np.ndarray, b: np.ndarray) -> float:
    """The textbook's route, through a d x d matrix square root."""
    root = sqrtm(np.cov(a.T) @ np.cov(b.T))
    return float(np.square(a.mean(0) - b.mean(0)).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root.real))


def without_roots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The distance but for its matrix square root."""
    spreads = a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum()
    return np.array([np.square(a.mean(0) - b.mean(0)).sum() + spreads])


def test_diagonal_gaussians_in_closed_form():
    a = with_moments(np.array([1.0, 2.0]), np.diag([4.0, 9.0]), 50)
    b = with_moments(np.array([0.0, 0.0]), np.diag([1.0, 25.0]), 70, seed=1)
    # |mean|^2 = 5, and (sd_a - sd_b)^2 in each dimension: 1 and 4
    assert frechet(a, b) == pytest.approx(5 + 1 + 4, rel=1e-9)


def test_one_dimension():
    assert frechet(np.array([[0.0], [2.0]]), np.array([[5.0], [5.0]])) == pytest.approx(16 + 2, rel=1e-12)


@pytest.mark.parametrize("n,m,d", [(40, 60, 8), (10, 12, 50), (10, 80, 30)])
def test_zero_for_itself_symmetric_and_invariant(n, m, d):
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((n, d)), 2 + rng.standard_normal((m, d))
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, b) == pytest.approx(frechet(b, a), rel=1e-12)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    assert frechet(a @ turn + 3, b @ turn + 3) == pytest.approx(frechet(a, b), rel=1e-9)
    assert frechet(a[::-1], b) == pytest.approx(frechet(a, b), rel=1e-12)


@pytest.mark.parametrize("n,d", [(200, 12), (300, 40)])
def test_agrees_with_the_square_root_of_a_matrix_where_that_is_sound(n, d):
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)), rng.standard_normal((n, d))
    assert frechet(a, b) == pytest.approx(by_square_root(a, b), rel=1e-8)


def test_fewer_rows_than_dimensions_agree_with_the_square_root_of_an_enlarged_matrix():
    rng = np.random.default_rng(4)
    small_a, small_b = rng.standard_normal((6, 5)), rng.standard_normal((7, 5))
    inside = np.linalg.qr(rng.standard_normal((40, 5)))[0].T  # the same rows in five of forty dimensions
    assert frechet(small_a @ inside, small_b @ inside) == pytest.approx(frechet(small_a, small_b), rel=1e-9)


def test_the_three_ways_agree():
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((700, 300)) * np.linspace(0.01, 2, 300), rng.standard_normal((500, 300))
    pair = TwoSamples.whole(a, b)
    exact = root_traces_by_triangles(pair)
    assert root_traces_by_covariances(pair, FAR, np.float64) == pytest.approx(exact, rel=1e-9)
    assert root_traces_by_products(pair) == pytest.approx(exact, rel=1e-9)
    assert LARGE < 300 and frechet(a, b) == pytest.approx(by_square_root(a, b), rel=1e-8)


def test_a_covariance_without_a_root_is_left_to_the_exact_way():
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((700, 300)), rng.standard_normal((500, 300))
    b[:, 1] = b[:, 0]
    with pytest.raises(LinAlgError, match="has no Cholesky root"):
        root_traces_by_covariances(TwoSamples.whole(a, 0 * b), FAR, np.float64)
    cross = svdvals((a - a.mean(0)) @ (b - b.mean(0)).T).sum() / np.sqrt(699 * 499)
    assert frechet(a, b) == pytest.approx(without_roots(a, b) - 2 * cross, rel=1e-6)


def wide(decay: float, shift: float, turned: bool, seed: int) -> np.ndarray:
    """Rows of more columns than LARGE, whose standard deviations fall as a power; turned, all columns correlate."""
    x = np.random.default_rng(seed).normal(shift, 1, (1200, 300)) * np.arange(1, 301.0) ** -decay
    return x @ np.linalg.qr(np.random.default_rng(0).standard_normal((300, 300)))[0] if turned else x


def trace_and_rounding(a: np.ndarray, b: np.ndarray, precision: type) -> tuple[float, float]:
    """tr (S_a S_b)^(1/2) of covariances in the given precision, by another route, and how far off it should be."""
    covariances = [np.cov(x.T) for x in (a, b)]
    for x, covariance in zip((a, b), covariances, strict=True):
        lower = scatter(x - x.mean(0), precision) / (len(x) - 1)
        covariance[:] = lower + np.tril(lower, -1).T
    root = np.linalg.cholesky(covariances[1])
    roots = np.sqrt(np.linalg.eigvalsh(root.T @ covariances[0] @ root))
    maps = [stretch(t, np.linalg.cholesky(s)) for s, t in (covariances, covariances[::-1])]
    return roots.sum(), rounding(roots, tuple(map(np.trace, covariances)), tuple(maps), precision)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("decay,shift", [(0, 0), (0.5, 0.1), (1, 0), (1, 0.3), (1.5, 0)])
def test_products_in_float32_are_off_by_no_more_than_predicted(decay, shift, turned):
    a, b = wide(decay, 0, turned, 1), wide(decay, shift, turned, 2)
    single, predicted = trace_and_rounding(a, b, np.float32)
    double, in_double = trace_and_rounding(a, b, np.float64)
    assert 0 < abs(single - double) <= predicted
    assert in_double < 1e-8 * predicted


def test_a_direction_that_only_one_set_lacks_is_predicted():
    rng = np.random.default_rng(8)
    a, b = rng.standard_normal((700, 300)), wide(0, 0, True, 2)
    b[:, 1] = b[:, 0] + 1e-3 * b[:, 1]  # of a variance of 1e-6: about float32's eps
    (single, predicted), (double, _) = (trace_and_rounding(a, b, precision) for precision in (np.float32, np.float64))
    assert 1e-7 * double < abs(single - double) <= predicted


def test_the_stretch_between_two_covariances():
    """For diagonal ones Hutchinson's estimate is exact: all random signs give one value."""
    assert stretch(np.diag([8.0, 3.0]), np.diag([2.0, 1.0])) == pytest.approx(8 / 4 + 3)
    rng = np.random.default_rng(9)
    s, t = (np.cov(rng.standard_normal((900, 300)).T) for _ in range(2))
    assert stretch(t, np.linalg.cholesky(s)) == pytest.approx(np.trace(t @ np.linalg.inv(s)), rel=0.02)


@pytest.mark.parametrize("decay,shift,precision", [(0.5, 0.1, np.float32), (1, 0, np.float64), (2, 0, np.float64)])
def test_float32_is_taken_where_its_rounding_is_small_beside_the_distance(decay, shift, precision):
    a, b = wide(decay, 0, True, 1), wide(decay, shift, True, 2)
    pair, rest = TwoSamples.whole(a, b), without_roots(a, b)
    assert root_traces(pair, rest) == root_traces_by_covariances(pair, rest, precision)
    assert frechet(a, b) == pytest.approx(rest - 2 * root_traces_by_triangles(pair), rel=1e-6)
    if precision == np.float64:
        with pytest.raises(LinAlgError, match="not exact enough|no Cholesky root"):
            root_traces_by_covariances(pair, rest, np.float32)


def test_a_set_beside_itself_is_left_to_the_exact_way():
    a = wide(0.5, 0, True, 1)
    assert frechet(a, a) == pytest.approx(0, abs=1e-12)
    with pytest.raises(LinAlgError, match="products in float64 are not exact enough"):
        root_traces_by_covariances(TwoSamples.whole(a, a), without_roots(a, a), np.float64)


def test_float32_features_lose_nothing():
    rng = np.random.default_rng(5)
    a, b = (100 + rng.standard_normal((30, 64)).astype(np.float32) for _ in range(2))
    assert frechet(a, b) == pytest.approx(frechet(a.astype(float), b.astype(float)), rel=1e-12)


def test_one_row_is_refused():
    with pytest.raises(BadInput, match="at least 2 rows on each side, got 1 and 3"):
        frechet(np.zeros((1, 2)), np.zeros((3, 2)))
