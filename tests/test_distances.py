"""Which images are left out together, and what stands where a metric has no value."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.distances import measured, particle_set
from analysis.figures.pairs import extremes
from analysis.settings import Study
from pipeline.params import BadInput
from pipeline.profile import read_profile


@pytest.fixture
def profile():
    whole = read_profile(Path(__file__).parents[1] / "params.yaml", Study)
    references = {name: replace(p, images_per_artist=1) for name, p in whole.reference_sets.items()}
    sampling = replace(whole.sampling, particles=10, sets=2)
    return replace(whole, sampling=sampling, reference_sets=references)


def test_a_method_s_parts_are_its_particle_sets_and_a_reference_s_are_dealt_out(profile):
    index = np.arange(20)
    assert particle_set(profile, "langevin", index).tolist() == [0] * 10 + [1] * 10
    assert particle_set(profile, "max_div", index).tolist() == [0, 1] * 10


def test_a_metric_is_taken_of_all_rows_and_without_each_part():
    rows, parts = np.array([1.0, 2.0, 3.0, 10.0]), np.array([0, 0, 1, 1])
    assert measured(lambda x: float(x.sum()), rows, parts) == (16.0, [13.0, 3.0], "")
    assert measured(lambda x: float(x.sum()), rows, np.zeros(4, int)) == (16.0, [], "")


def test_a_metric_without_a_value_is_a_row_with_the_reason():
    def metric(x):
        if len(x) < 4:
            raise BadInput("too few rows")
        return 1.0

    assert measured(metric, np.zeros(4), np.array([0, 0, 1, 1])) == (None, [], "too few rows")


def test_nearest_and_farthest_pair_by_hand():
    assert extremes(np.array([[0.0], [5.0], [5.5], [9.0]])) == [(1, 2), (0, 3)]
