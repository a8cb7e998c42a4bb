"""KID, neighbours and similarities: closed forms, limits, and agreement with a second route."""

import numpy as np
import pytest

from analysis.metrics import samples
from analysis.metrics.kid import kid
from analysis.metrics.neighbours import coverage, density, nearest_distance, precision, recall
from analysis.metrics.samples import Sample
from analysis.metrics.similarity import mean_similarity, rke, vendi
from repulsion.core.errors import BadInput

RNG = np.random.default_rng(0)


def test_kid_by_hand():
    a, b = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    # within a: (0 * 1 + 1)^3 = 1; within b: 3^3 = 27; across: 1, 1, 8, 27 in two orders of rows
    assert kid(a, b) == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4)


def test_kid_agrees_with_its_definition_and_is_zero_on_average():
    a, b = RNG.standard_normal((7, 3)), RNG.standard_normal((9, 3)) + 1

    def mean(x, y, skip):
        pairs = [(i, j) for i in range(len(x)) for j in range(len(y)) if not (skip and i == j)]
        return np.mean([(x[i] @ y[j] / 3 + 1) ** 3 for i, j in pairs])

    assert kid(a, b) == pytest.approx(mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False), rel=1e-10)
    values = [kid(RNG.standard_normal((15, 3)), RNG.standard_normal((15, 3))) for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)


def test_neighbours_by_hand(monkeypatch):
    monkeypatch.setattr(samples, "K", 1)
    reference, own = np.array([[0.0], [1.0], [10.0]]), np.array([[0.5], [1.5], [30.0]])
    # balls of the reference: radii 1, 1, 9; of the own rows: 1, 1, 28.5
    radii = [np.sqrt(Sample.whole(x).radii[0]) for x in (reference, own)]
    assert radii[0] == pytest.approx([1, 1, 9]) and radii[1] == pytest.approx([1, 1, 28.5])
    assert precision(own, reference) == pytest.approx(2 / 3)  # 30 is in no ball
    assert recall(own, reference) == 1  # 10 lies within 28.5 of 30
    assert density(own, reference) == pytest.approx((2 + 2 + 0) / 3)  # 0.5 in two balls, 1.5 in those of 1 and 10
    assert coverage(own, reference) == 1  # 1.5 is within 9 of 10


def test_neighbours_of_one_distribution_of_copies_and_of_something_else():
    a, b = RNG.standard_normal((400, 2)), RNG.standard_normal((400, 2))
    assert precision(a, a) == recall(a, a) == coverage(a, a) == 1
    assert precision(a, b) > 0.9 and recall(a, b) > 0.9 and coverage(a, b) > 0.9
    assert density(a, b) == pytest.approx(1, abs=0.15)
    far = a + 100
    assert precision(far, b) == recall(far, b) == density(far, b) == coverage(far, b) == 0
    narrow = 0.1 * a
    assert precision(narrow, b) > 0.95 and coverage(narrow, b) < 0.3 and recall(narrow, b) < 0.3
    with pytest.raises(BadInput, match="expected more than 5 rows, got 5"):
        precision(a, b[:5])


def test_the_nearest_distance_by_hand():
    own, reference = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [3.0, 0.0], [9.0, 9.0]])
    assert nearest_distance(own, reference) == pytest.approx((1 + 4) / 2)
    assert nearest_distance(reference, reference) == 0


def test_similarities_of_copies_and_of_orthogonal_rows():
    copies, orthogonal = np.ones((6, 3)), 7 * np.eye(6)
    assert mean_similarity(copies) == pytest.approx(1) and rke(copies) == pytest.approx(1)
    assert vendi(copies) == pytest.approx(1) and vendi(orthogonal) == pytest.approx(6)
    assert mean_similarity(orthogonal) == pytest.approx(0, abs=1e-12)


def test_similarities_by_hand():
    x = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])  # two copies of one direction, one of another
    assert mean_similarity(x) == pytest.approx(1 / 3) and rke(x) == pytest.approx(3)
    assert vendi(x) == pytest.approx(np.exp(-(2 / 3) * np.log(2 / 3) - (1 / 3) * np.log(1 / 3)))


def test_what_leaves_the_diagonal_out_does_not_grow_with_n_and_vendi_does():
    small = [RNG.standard_normal((16, 4)) + 1 for _ in range(400)]
    large = [RNG.standard_normal((128, 4)) + 1 for _ in range(50)]
    for metric in (mean_similarity, lambda x: 1 / rke(x)):
        a, b = [metric(x) for x in small], [metric(x) for x in large]
        error = np.hypot(np.std(a) / np.sqrt(len(a)), np.std(b) / np.sqrt(len(b)))
        assert abs(np.mean(a) - np.mean(b)) < 4 * error
    assert np.mean([vendi(x) for x in large]) > 1.05 * np.mean([vendi(x) for x in small])


def test_zero_rows_have_no_direction():
    with pytest.raises(BadInput, match="rows that are not zero"):
        mean_similarity(np.array([[1.0, 0.0], [0.0, 0.0]]))
