import numpy as np
import pytest
from scipy.linalg import LinAlgError, sqrtm, svdvals

from analysis.frechet import (
    LARGE,
    frechet,
    root_traces,
    root_traces_by_covariances,
    root_traces_by_products,
    root_traces_by_triangles,
)
from analysis.samples import TwoSamples
from pipeline.params import BadInput


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
    assert root_traces_by_covariances(pair) == pytest.approx(exact, rel=1e-9)
    assert root_traces_by_products(pair) == pytest.approx(exact, rel=1e-9)
    assert LARGE < 300 and frechet(a, b) == pytest.approx(by_square_root(a, b), rel=1e-8)


def test_a_covariance_without_a_root_is_left_to_the_exact_way():
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((700, 300)), rng.standard_normal((500, 300))
    b[:, 1] = b[:, 0]
    with pytest.raises(LinAlgError, match="no Cholesky root"):
        root_traces_by_covariances(TwoSamples.whole(a, 0 * b))
    root_a, root_b = a - a.mean(0), b - b.mean(0)
    cross = svdvals(root_a @ root_b.T).sum() / np.sqrt(699 * 499)
    assert root_traces(TwoSamples.whole(a, b)) == pytest.approx([cross], rel=1e-6)


def test_float32_features_lose_nothing():
    rng = np.random.default_rng(5)
    a, b = (100 + rng.standard_normal((30, 64)).astype(np.float32) for _ in range(2))
    assert frechet(a, b) == pytest.approx(frechet(a.astype(float), b.astype(float)), rel=1e-12)


def test_one_row_is_refused():
    with pytest.raises(BadInput, match="at least 2 rows on each side, got 1 and 3"):
        frechet(np.zeros((1, 2)), np.zeros((3, 2)))
