"""The cluster bootstrap: closed forms, and how often its intervals hold a known truth."""

import numpy as np
import pytest
from scipy.stats import binomtest

from analysis.estimates import intervals
from analysis.estimates.intervals import (
    band,
    holm,
    interval,
    p_value,
    pseudo_values,
    resampled,
    share_interval,
    times_drawn,
)
from repulsion.core.errors import BadInput


def leave_one_out(sets: np.ndarray, metric) -> tuple[np.ndarray, np.ndarray]:
    """A metric of each prompt's pooled rows, and without each set; sets is [prompts, sets, n]."""
    value = np.array([metric(prompt.ravel()) for prompt in sets])
    without = np.array([[metric(np.delete(p, c, axis=0).ravel()) for c in range(len(p))] for p in sets])
    return value, without


def test_pseudo_values_of_a_mean_are_the_sets_means():
    sets = np.random.default_rng(0).standard_normal((3, 4, 10))
    value, without = leave_one_out(sets, np.mean)
    assert np.allclose(pseudo_values(value, without), sets.mean(2))


def test_one_set_has_no_interval():
    with pytest.raises(BadInput, match="at least 2 particle sets for each prompt, got 1"):
        pseudo_values(np.ones(3), np.ones((3, 1)))


def test_the_resamples_of_a_mean_have_its_standard_error():
    sets = np.random.default_rng(1).standard_normal((6, 5, 8)) + np.arange(6)[:, None, None]
    value, without = leave_one_out(sets, np.mean)
    draws = resampled(value, without, times_drawn(6, 5, 0))
    expected = np.sqrt((sets.mean(2).var(1, ddof=1) / 5).sum()) / 6  # stratified by prompt
    assert draws.std() == pytest.approx(expected, rel=0.03) and draws.mean() == pytest.approx(value.mean(), abs=0.002)


def test_a_resample_is_the_metric_s_mean_over_the_sets_that_it_draws():
    sets = np.random.default_rng(6).standard_normal((3, 4, 5))
    value, without = leave_one_out(sets, np.mean)
    drawn = np.random.default_rng(7).integers(4, size=(10_000, 3, 4))
    means = np.stack([sets.mean(2)[p][drawn[:, p]].mean(1) for p in range(3)], 1).mean(1)
    stretched = value.mean() + (means - value.mean()) * np.sqrt(4 / 3)
    times = times_drawn(3, 4, 7)
    assert resampled(value, without, times) == pytest.approx(stretched) and np.all(times.sum(2) == 4)


def test_the_same_draw_pairs_methods():
    sets = np.random.default_rng(2).standard_normal((6, 5, 8))
    drawn = times_drawn(6, 5, 0)
    a = resampled(*leave_one_out(sets, np.mean), drawn)
    b = resampled(*leave_one_out(sets + 0.01, np.mean), drawn)
    assert np.allclose(b - a, 0.01) and p_value(b - a) == pytest.approx(2 / 10_001)
    assert np.array_equal(times_drawn(6, 5, 0), drawn) and not np.array_equal(times_drawn(6, 5, 1), drawn)


# The expected variance of 240 rows of 12 sets: 1 within, and between the sets 1 times (240 - 20) / 239.
@pytest.mark.parametrize("metric,truth", [(np.mean, 0.0), (lambda x: x.var(ddof=1), 1 + 220 / 239)])
def test_intervals_hold_the_truth_as_often_as_they_say(metric, truth, monkeypatch):
    """Rows of a set share an effect of variance 1, so that rows are no independent units."""
    monkeypatch.setattr(intervals, "RESAMPLES", 500)  # the interval's ends wobble, its coverage hardly
    rng, held, runs = np.random.default_rng(3), 0, 600
    for k in range(runs):
        sets = rng.standard_normal((6, 12, 1)) + rng.standard_normal((6, 12, 20))
        low, high = interval(resampled(*leave_one_out(sets, metric), times_drawn(6, 12, k)))
        held += low <= truth <= high
    # 95% nominal; the standard error of the share is 0.009
    assert 0.93 <= held / runs <= 0.97


def test_an_interval_of_independent_rows_would_not():
    """The reason for the unit: rows of a set taken for independent hold the truth far too seldom."""
    rng, held, runs = np.random.default_rng(4), 0, 300
    for _ in range(runs):
        rows = (rng.standard_normal((6, 12, 1)) + rng.standard_normal((6, 12, 20))).ravel()
        held += abs(rows.mean()) <= 1.96 * rows.std() / np.sqrt(rows.size)
    assert held / runs < 0.6


def test_a_curve_s_resamples_are_those_of_its_numbers():
    rng = np.random.default_rng(5)
    value, without, drawn = rng.random((3, 7)), rng.random((3, 4, 7)), times_drawn(3, 4, 0)
    curve = resampled(value, without, drawn)
    numbers = [resampled(value[:, k], without[:, :, k], drawn) for k in range(7)]
    assert curve == pytest.approx(np.array(numbers).T) and band(curve)[:, 2] == pytest.approx(interval(numbers[2]))


def test_an_infinite_end_is_none():
    draws = np.concatenate([np.arange(960.0), np.full(40, np.inf)])
    low, high = interval(draws)
    assert low == pytest.approx(24.975) and np.isnan(high)


def test_a_share_s_interval():
    low, high = share_interval(np.array([0.0, 0.5, 1.0]), np.array([10.0, 1e6, 10.0]))
    assert (
        low[0] == pytest.approx(0, abs=1e-12) and high[2] == pytest.approx(1) and high[0] == pytest.approx(1 - low[2])
    )
    assert (high[1] - 0.5, 0.5 - low[1]) == pytest.approx((1.96 * 0.5e-3, 1.96 * 0.5e-3), rel=1e-3)
    exact = binomtest(7, 24).proportion_ci(method="wilson")
    assert share_interval(np.array(7 / 24), np.array(24.0)) == pytest.approx([exact.low, exact.high])


def test_p_values():
    assert p_value(np.linspace(-1, 1, 1001)) == 1
    assert p_value(np.linspace(0.1, 1, 999)) == pytest.approx(2 / 1000)
    assert p_value(np.concatenate([[-1.0], np.ones(998)])) == pytest.approx(4 / 1000)


def test_holm_by_hand():
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0} and list(holm({"z": 0.5, "a": 0.1})) == ["z", "a"]
