"""Whether an order of methods carries over from one model to another."""

from dataclasses import replace

import numpy as np
import pytest
from profile_values import PROFILES
from scipy.stats import spearmanr

from analysis.estimates.across.order import agreement, order_kept, rank_correlation
from analysis.estimates.estimates import Estimate
from analysis.study.carry_over import common_methods
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput


def estimates(values, spread, seed=0):
    draws = np.random.default_rng(seed).normal(size=(2000, len(values))) * spread + values
    return {f"m{k}": Estimate(float(v), draws[:, k]) for k, v in enumerate(values)}


def test_the_rank_correlation_is_one_for_one_order_and_minus_one_for_the_opposite():
    a = np.random.default_rng(0).normal(size=(3, 9))
    np.testing.assert_allclose(rank_correlation(a, np.exp(a)), 1)
    np.testing.assert_allclose(rank_correlation(a, -a), -1)


def test_the_rank_correlation_is_scipy_s():
    a, b = np.random.default_rng(1).integers(5, size=(2, 20, 12)).astype(float)  # with ties
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_correlation(a, b), expected)


def test_a_clear_order_has_a_narrow_interval_and_an_unclear_one_a_wide():
    values = np.arange(8.0)
    clear = order_kept(estimates(values, 0.1), estimates(2 * values, 0.1, seed=1), True)
    assert clear.value == 1 and clear.interval[0] > 0.95
    unclear = order_kept(estimates(values, 10), estimates(values, 10, seed=1), False)
    assert unclear.interval[0] < 0 < unclear.interval[1]


def test_only_pairs_that_both_tell_apart_are_counted():
    a = estimates(np.array([0.0, 1.0, 2.0]), 0.01)
    assert agreement(a, a) == (3, 3)
    swapped = estimates(np.array([1.0, 0.0, 2.0]), 0.01, seed=1)
    assert agreement(a, swapped) == (3, 2)
    tied = estimates(np.array([0.0, 0.0, 2.0]), 0.5, seed=1)
    assert agreement(a, tied) == (2, 2)


def test_the_two_models_profiles_have_the_same_methods():
    studies = {name: read_profile(PROFILES[name], Study) for name in ("small", "flow")}
    assert common_methods(studies) == [m for m in studies["small"].methods if m != "plain"]


def test_profiles_with_other_prompts_or_sizes_are_not_compared():
    small = read_profile(PROFILES["small"], Study)
    other = replace(small, sampling=replace(small.sampling, sets_per_prompt=2))
    with pytest.raises(BadInput, match="profile small: sampling: expected what profile small has"):
        common_methods({"one": small, "other": other})
    floor = replace(small, analysis=replace(small.analysis, floor="truth"))
    with pytest.raises(BadInput, match="profile small: floor: expected 'max_div2', got 'truth'"):
        common_methods({"one": small, "other": floor})
    few = replace(small, methods=("plain", "latent"), image_sets=("plain", "latent", *small.references))
    with pytest.raises(BadInput, match="at least three methods that all profiles have, got latent"):
        common_methods({"one": small, "other": few})
