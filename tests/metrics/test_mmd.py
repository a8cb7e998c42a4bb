import numpy as np
import pytest

from analysis.metrics.mmd import bandwidth, mmd, mmd_of_pairs
from repulsion.core.errors import BadInput


def test_by_hand():
    a, b = np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]])
    k = lambda d: np.exp(-(d**2) / 4)  # noqa: E731  h = 4, the one squared distance in b
    assert bandwidth(b) == 4
    assert mmd(a, b) == pytest.approx(k(1) + k(2) - 2 * (k(0) + k(2) + k(1) + k(1)) / 4, rel=1e-12)


def test_agrees_with_whole_kernel_matrices():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((20, 5)), 0.5 + rng.standard_normal((30, 5))
    h = bandwidth(b)

    def mean(x, y, diagonal):
        kernel = np.exp(-((x[:, None] - y[None]) ** 2).sum(2) / h)
        return kernel.mean() if diagonal else (kernel.sum() - len(x)) / (len(x) * (len(x) - 1))

    assert mmd(a, b) == pytest.approx(mean(a, a, False) + mean(b, b, False) - 2 * mean(a, b, True), rel=1e-10)


def test_zero_on_average_for_one_distribution_and_large_for_a_shift():
    rng = np.random.default_rng(1)
    values = [mmd(rng.standard_normal((20, 4)), rng.standard_normal((20, 4))) for _ in range(200)]
    # the mean of 200 values of this standard deviation: within four standard errors
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)
    assert mmd(rng.standard_normal((20, 4)) + 3, rng.standard_normal((20, 4))) > 10 * np.std(values)


def test_refuses_what_has_no_value():
    with pytest.raises(BadInput, match="at least 2 rows"):
        mmd(np.zeros((1, 2)), np.zeros((3, 2)))
    with pytest.raises(BadInput, match="no bandwidth"):
        mmd(np.zeros((3, 2)), np.zeros((3, 2)))


def test_pairs_that_are_drawn_together_are_left_out():
    """Of copies of one set the distance is 0, where the plain one, with its own images in the mean, is below."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(40, 3))
    assert mmd_of_pairs(np.hstack([a, a])) == pytest.approx(0, abs=1e-12) and mmd(a, a) < -0.01
    apart = [mmd_of_pairs(rng.normal(size=(30, 4))) for _ in range(400)]
    assert abs(np.mean(apart)) < 3 * np.std(apart) / 20  # and 0 on average for independent ones
    far = mmd_of_pairs(np.hstack([a + 2, a]))
    assert far == pytest.approx(mmd(a + 2, a), abs=0.05) and far > 0.3
