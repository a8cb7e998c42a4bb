import numpy as np
import pandas as pd
import pytest

from analysis.estimates.gap import gap_closed, published_gap_closed


def test_gap_by_hand():
    distance = pd.Series({"plain": 10.0, "floor": 2.0, "halfway": 6.0, "away": 12.0})
    found = gap_closed(distance, distance["plain"], distance["floor"])
    assert found.to_dict() == {"plain": 0, "floor": 1, "halfway": 0.5, "away": -0.25}


def test_where_there_is_no_gap_nothing_closes_it():
    assert np.isnan(gap_closed(1.0, 2.0, 2.0)) and np.isnan(gap_closed(1.0, 2.0, 3.0))
    assert np.isnan(gap_closed(np.ones(2), np.array([2.0, 4.0]), np.array([3.0, 3.0]))).tolist() == [True, False]


def test_the_thesis_s_best_shares_are_the_published_ones():
    shares = published_gap_closed("plain")
    best = shares.drop(index="max_div2").max()
    assert best["general"] == pytest.approx(0.063, abs=5e-4)
    assert best["location"] == pytest.approx(0.141, abs=5e-4)
    assert best["style"] == pytest.approx(0.222, abs=1e-3)
    assert shares["location"].idxmax() == "max_div2" and shares.loc["plain"].tolist() == [0, 0, 0]
    assert np.isnan(shares.loc["ancestral", "location"]) and shares.loc["langevin"].max() < 0
