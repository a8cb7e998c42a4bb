"""What metrics share: which rows are left out, matrices of pairs, radii, scatter matrices."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from analysis.metrics import samples
from analysis.metrics.samples import Sample, TwoSamples, across_means, kept_rows, scatter, scatters, within_means
from repulsion.core.errors import BadInput

RNG = np.random.default_rng(0)


def test_every_part_is_left_out_once_and_first_none():
    assert kept_rows(np.array([3, 1, 3, 7])).astype(int).tolist() == [
        [1, 1, 1, 1],
        [1, 0, 1, 1],
        [0, 1, 0, 1],
        [1, 1, 1, 0],
    ]
    assert kept_rows(np.zeros(2, int)).tolist() == [[True, True]]  # of one part nothing can be left out


def test_pairs_by_hand():
    own, other = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [3.0, 0.0], [2.0, 2.0]])
    pair = TwoSamples.whole(own, other)
    assert pair.squared == pytest.approx(np.array([[1, 9, 8], [18, 16, 5]]))
    assert pair.products == pytest.approx(np.array([[0, 0, 0], [4, 9, 14]]), abs=1e-12)
    assert pair.own.squared == pytest.approx(np.array([[0, 25], [25, 0]]))
    assert pair.own.products == pytest.approx(np.array([[0, 0], [0, 25]]), abs=1e-12)


def test_means_and_scatters_by_hand():
    sample = Sample(np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]]), np.array([0, 0, 1]))
    kernel = np.array([[9.0, 1, 2], [1, 9, 4], [2, 4, 9]])
    # all three rows; the third is alone without the first part, and has no pair
    with np.errstate(invalid="ignore"):
        assert within_means(kernel, sample) == pytest.approx([7 / 3, np.nan, 1], nan_ok=True)
    assert across_means(np.array([[1.0, 3], [2, 4], [5, 9]]), sample) == pytest.approx([4, 7, 2.5])
    lower = [np.tril(s).tolist() for s in scatters(sample.x, sample.kept)]
    assert lower == [[[10, 0], [3, 5]], [[9, 0], [3, 1]], [[1, 0], [0, 4]]]


def test_a_scatter_in_float32_keeps_its_diagonal_exact():
    x = np.random.default_rng(1).standard_normal((500, 40)) * np.geomspace(1e-3, 1e3, 40)
    exact, single = np.tril(x.T @ x), np.tril(scatter(x, np.float32))
    norms = np.sqrt(exact.diagonal())
    off = abs(single - exact) / np.outer(norms, norms)
    assert single.diagonal() == pytest.approx(exact.diagonal(), rel=1e-14)
    assert 1e-10 < off.max() < np.finfo(np.float32).eps
    assert np.tril(scatter(x)) == pytest.approx(exact, rel=1e-12, abs=1e-12)


def test_radii_by_hand(monkeypatch):
    monkeypatch.setattr(samples, "K", 1)
    sample = Sample(np.array([[0.0], [1.0], [10.0], [12.0], [13.0]]), np.array([0, 1, 0, 1, 0]))
    whole, first, second = sample.radii
    assert whole == pytest.approx([1, 1, 4, 1, 1])
    assert first[[1, 3]] == pytest.approx([121, 121])  # rows 1 and 12 are left
    assert second[[0, 2, 4]] == pytest.approx([100, 9, 9])  # rows 0, 10 and 13


@pytest.mark.parametrize("centre", [0.0, 1e4])
def test_copies_are_at_no_distance_at_all_however_far_from_the_origin(centre):
    x = centre + np.repeat(RNG.standard_normal((9, 301)), 7, axis=0)
    pair = TwoSamples.whole(x, x[::-1])
    copies = np.arange(63)[:, None] // 7 == np.arange(63) // 7
    assert (pair.own.squared[copies] == 0).all() and (pair.squared[:, ::-1][copies] == 0).all()
    assert (pair.own.squared[~copies] > 1).all() and (pair.own.radii == 0).all()


@pytest.mark.parametrize("n,m,d", [(7, 9, 3), (61, 47, 301)])
def test_distances_agree_with_differences_of_rows(n, m, d):
    own, other = RNG.standard_normal((n, d)) + 100, RNG.standard_normal((m, d)) + 99
    pair = TwoSamples.whole(own, other)
    assert pair.squared == pytest.approx(cdist(own, other, "sqeuclidean"), rel=1e-9)
    assert pair.own.squared == pytest.approx(cdist(own, own, "sqeuclidean"), rel=1e-9)
    assert np.array_equal(pair.own.squared, pair.own.squared.T)
    assert pair.products == pytest.approx(own @ other.T, rel=1e-12)


def test_radii_agree_with_sorting_the_rows_that_are_kept():
    x, parts = RNG.standard_normal((53, 4)), RNG.integers(5, size=53)  # some parts smaller than K + 1, some larger
    sample = Sample(x, parts)
    for keep, radii in zip(sample.kept, sample.radii, strict=True):
        assert radii[keep] == pytest.approx(np.sort(cdist(x[keep], x[keep], "sqeuclidean"))[:, samples.K], rel=1e-9)


def test_too_few_rows_are_refused_also_where_only_a_replicate_has_too_few():
    with pytest.raises(BadInput, match="expected more than 5 rows, got 4"):
        _ = Sample(RNG.standard_normal((8, 2)), np.repeat([0, 1], 4)).radii
