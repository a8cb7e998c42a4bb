"""Whether an order of methods carries over from one model to another."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from profile_values import PROFILES
from scipy.stats import spearmanr

from analysis.estimates.across.order import agreement, order_kept, rank_correlation
from analysis.estimates.across.sensitivity import side_by_side
from analysis.estimates.across.strengths import transferred
from analysis.estimates.claims import suite
from analysis.estimates.claims.claim import Evidence, number_of, verdict
from analysis.estimates.estimates import GAIN_SPACES, Estimate
from analysis.figures.across import verdicts
from analysis.paper.printing import printed
from analysis.stages.across import carry_over
from analysis.stages.across.carry_over import claims_table, order_table
from analysis.study.carry_over import common_methods
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput

COLUMNS = ["family", "row", "strength", "gain", "within"]


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


def test_resamples_of_other_worlds_are_drawn_apart():
    """With the same noise in both, paired resamples rank alike; drawn apart they need not."""
    same = estimates(np.arange(8) / 1000, 1.0)
    assert order_kept(same, same, True).interval[0] == 1
    apart = order_kept(same, same, False)
    assert apart.interval[0] < -0.5 and apart.interval[1] > 0.5


def test_profiles_of_other_worlds_share_their_sets_alone():
    small = read_profile(PROFILES["small"], Study)
    other = replace(small, world="drawn", sampling=replace(small.sampling, sets_per_prompt=2))
    assert common_methods({"one": small, "other": other}) == [m for m in small.methods if m != "plain"]


def evidence_by_hand() -> Evidence:
    """Shares of 0.5 in every space, but 0.8 for style and place, 0.6 for the guidance interval, 0.4 for the style
    classifier and none for the centre of mass; each with a standard deviation of its own draw, of 0.01."""
    shares = dict.fromkeys((*suite.FREE, *suite.ONE_SPACE, "style_classifier_shuffled", "plain"), 0.5)
    shares |= {"style_and_place": 0.8, "guidance_interval": 0.6, "style_classifier": 0.4, "centre_of_mass": 0.0}
    rng = np.random.default_rng(0)
    gaps = {s: {m: Estimate(v, v + rng.normal(size=4000) * 0.01) for m, v in shares.items()} for s in GAIN_SPACES}
    lost = {"subject_accuracy": -0.05, "render_error": 0.005}
    quality = {name: {"style_and_place": Estimate(v, v + rng.normal(size=4000) * 0.001)} for name, v in lost.items()}
    return Evidence(gaps, quality, {"subject_accuracy": -0.03, "render_error": 0.02})


def test_the_suite_s_claims_by_hand():
    found = [number_of(claim, evidence_by_hand()) for claim in suite.CLAIMS]
    assert [round(n.value, 6) for n in found] == [0.3, 0.3, 0.2, -0.02, -0.666667, 0.1, 0.2, 0.0, 0.5]
    expected = ["holds", "holds", "holds", "does not hold", "does not hold", "holds", "holds", "undecided", "holds"]
    assert [verdict(n) for n in found] == expected


def test_a_claim_without_its_method_or_reading_is_not_measured(monkeypatch):
    whole = evidence_by_hand()
    lacking = Evidence({s: {m: v for m, v in by.items() if m != "latent"} for s, by in whole.gaps.items()}, {}, {})
    by_results = {"whole": whole, "lacking": lacking}
    monkeypatch.setattr(carry_over, "evidence", lambda results, study: by_results[results])
    table = claims_table(dict.fromkeys(by_results), {name: name for name in by_results})
    lost = table[table["lacking: verdict"] == "not measured"].index
    kept = ("Style and place at once keep the subject", "Style and place at once gain more than any one space")
    assert set(kept) < set(lost) and "Style and place at once close more than half of the gap" not in lost
    assert np.isnan(table.loc[kept[0], "lacking"]) and table.loc[kept[0], "whole: verdict"] == "does not hold"
    plt.close(verdicts.draw(table, list(by_results)))


def test_profiles_of_one_world_are_paired_and_others_not(monkeypatch):
    small = read_profile(PROFILES["small"], Study)
    studies = {"one": small, "other": small, "elsewhere": replace(small, world="drawn")}
    seen = []
    monkeypatch.setattr(carry_over, "order_kept", lambda a, b, paired: seen.append(paired) or Estimate(1.0, np.ones(9)))
    shares = estimates(np.arange(3.0), 0.1)
    order_table({"general": dict.fromkeys(studies, shares)}, studies)
    assert seen == [True, False, False]


def test_strengths_of_one_sweep_in_another():
    def sweep(gains, own):
        rows = [("plain", "plain", None, 0.0, True)]
        rows += [("a", f"a-{k}", str(k), g, g < 0.5) for k, g in gains.items()]
        rows = pd.DataFrame(rows, columns=COLUMNS)
        return rows, pd.DataFrame([("plain", "plain"), ("a", own)], columns=["family", "row"])

    (one, one_chosen), (other, other_chosen) = sweep({10: 0.1, 20: 0.4, 30: 0.6}, "a-20"), sweep({10: 0.3}, "a-10")
    found = transferred({"one": one, "other": other}, {"one": one_chosen, "other": other_chosen})
    table = found.set_index(["used on", "chosen on"])
    assert table.loc[("one", "one"), "gain"] == 0.4 and table.loc[("one", "other"), "gain"] == 0.1
    assert table.loc[("other", "other"), "strength"] == "10" and printed(table.loc[("other", "one"), "gain"]) == "-"
    assert set(found["family"]) == {"a"}  # plain sampling has no strength


def test_metrics_stand_beside_themselves_in_another_world():
    def table(rho):
        return pd.DataFrame(
            [
                ("mmd", "style", "artists", rho),
                ("mmd", "style", "places", 0.9),
                ("effective_artists", None, "artists", 1),
            ],
            columns=["metric", "space", "dial", "rho"],
        ).assign(rho_low=0, rho_high=1, smallest_step=rho * 10)

    found = side_by_side({"painted": table(0.5), "drawn": table(0.7)})
    assert found["metric"].tolist() == ["mmd", "effective_artists"] and set(found["dial"]) == {"artists"}
    assert found.loc[0, "painted: rho"] == 0.5 and found.loc[0, "drawn: rho"] == 0.7
    assert found.loc[0, "painted: smallest_step"] == 5 and found.loc[0, "drawn: smallest_step"] == 7
