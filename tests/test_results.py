import json
from dataclasses import replace

import numpy as np
import pytest
from test_profile import VALUES

from analysis.check import KEYS, compare, read_expected, report
from analysis.estimates import estimates, estimates_by_prompt, gap_estimates
from analysis.results import Row, by_prompt, passes_per_image, read_results, select, write_results
from analysis.settings import Study
from pipeline.params import BadInput, strict


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Study:
    """Results of two sets with one row for each of two prompts."""
    monkeypatch.chdir(tmp_path)
    whole = strict(Study, VALUES, "params.yaml")
    # the checks of a whole profile are not in the way here
    object.__setattr__(whole, "sets", ("plain", "max_div"))
    for k, name in enumerate(whole.sets):
        values = {"vase": 1 / 3 + k, "kite": 2.0}
        rows = [Row(q, "frechet", "general", "max_div", 4, v, [v - 0.1, v + 0.1], "") for q, v in values.items()]
        write_results(whole, name, rows, {"images": 8, "denoiser_passes": 160, "denoiser_backward_passes": 40})
    return whole


def test_rows_are_read_back_in_order(profile):
    results = read_results(profile)
    assert results["set"].tolist() == ["plain", "plain", "max_div", "max_div"]
    assert results["value"].tolist() == [0.33333333, 2.0, 1.3333333, 2.0]
    table = by_prompt(results, "frechet", "general", "max_div")
    assert list(table.columns) == ["vase", "kite"] and list(table.index) == ["plain", "max_div"]
    passes = passes_per_image(profile)
    assert passes["denoiser passes"].tolist() == [20, 20] and passes["backward passes"].tolist() == [5, 5]


def test_no_table_is_made_of_half_of_the_results(profile):
    path = profile.distances_file("max_div")
    content = path.read_text()
    path.unlink()
    with pytest.raises(BadInput, match="no results of set max_div; expected one file for each of plain, max_div"):
        read_results(profile)
    path.write_text(content.replace('{"set": "max_div"', '{"set": "plain"'))
    with pytest.raises(BadInput, match="expected the results of set max_div, got those of plain"):
        read_results(profile)
    path.write_text(content[:100])
    with pytest.raises(BadInput, match="not JSON"):
        read_results(profile)
    found = json.loads(content)
    path.write_text(json.dumps(found | {"rows": found["rows"][:1]}))
    with pytest.raises(BadInput, match="the prompts of max_div and plain differ"):
        read_results(profile)
    path.write_text(json.dumps(found | {"rows": []}))
    with pytest.raises(BadInput, match="expected the results of set max_div"):
        read_results(profile)


def test_a_stray_set(profile):
    profile.distances_file("old_method").write_text("{}")
    with pytest.raises(BadInput, match="results of old_method, which is none of the profile's sets"):
        read_results(profile)


def test_a_metric_that_was_not_measured(profile):
    with pytest.raises(BadInput, match="no results of vendi general"):
        select(read_results(profile), "vendi", "general")


def test_check_by_hand(profile):
    found = read_results(profile)
    expected = found[[*KEYS, "value"]]
    assert compare(found, expected, profile)["within"].all()
    moved = expected.assign(value=expected["value"] + [0.0, 0.0, 0.0, 1.0])  # 3 expected, within 0.2 of it
    table = compare(found, moved, profile)
    assert table["within"].tolist().count(False) == 1 and "1 beyond their tolerance" in report(table)
    assert compare(found, expected.assign(value=expected["value"] * 1.1), profile)["within"].all()


def test_a_row_that_only_one_side_has_is_beyond(profile):
    found = read_results(profile)
    assert not compare(found, found[[*KEYS, "value"]].iloc[:-1], profile)["within"].all()
    assert not compare(found.iloc[:-1], found[[*KEYS, "value"]], profile)["within"].all()


def test_without_an_expected_file(profile):
    with pytest.raises(BadInput, match="no expected results at"):
        read_expected(profile.expected)


def test_estimates_are_means_with_intervals_around_them(profile):
    found = estimates(read_results(profile), "frechet", "general", "max_div")
    assert found["plain"].value == pytest.approx((1 / 3 + 2) / 2)
    low, high = found["plain"].interval
    assert low < found["plain"].value < high
    difference = found["max_div"] - found["plain"]
    # the same spread in both, drawn together: nothing of it is left in the difference
    assert difference.value == pytest.approx(0.5) and difference.interval == pytest.approx((0.5, 0.5))


def test_the_mean_of_the_prompts_estimates_is_the_estimate(profile):
    results = read_results(profile)
    prompts = estimates_by_prompt(results, "frechet", "general", "max_div")["plain"]
    assert {q: one.value for q, one in prompts.items()} == {"vase": 0.33333333, "kite": 2}
    low, high = prompts["vase"].interval
    assert low == pytest.approx(1 / 3 - 0.1 * 2**0.5) and high == pytest.approx(1 / 3 + 0.1 * 2**0.5)
    whole = estimates(results, "frechet", "general", "max_div")["plain"]
    assert np.mean([one.draws for one in prompts.values()], axis=0) == pytest.approx(whole.draws)


def test_a_prompt_without_a_value_or_one_particle_set_leaves_no_interval(profile):
    rows = [
        Row("vase", "rke", "general", "", 4, None, [], "too few"),
        Row("kite", "rke", "general", "", 4, 2.0, [1, 2], ""),
    ]
    one = [Row(q, "vendi", "general", "", 4, 2.0, [], "") for q in ("vase", "kite")]
    for name in profile.sets:
        write_results(profile, name, rows + one, {"images": 8, "denoiser_passes": 0})
    results = read_results(profile)
    assert np.isnan(estimates(results, "rke", "general")["plain"].value)
    single = estimates(results, "vendi", "general")["plain"]
    assert single.value == 2 and np.isnan(single.interval).all()
    assert np.isnan(estimates_by_prompt(results, "rke", "general")["plain"]["vase"].value)
    assert np.isnan(estimates_by_prompt(results, "vendi", "general")["plain"]["kite"].interval).all()
    assert "too few" in profile.distances_file("plain").read_text()


def test_gap_estimates_by_hand(profile):
    parts = replace(profile.analysis, reference="ref", floor="floor", realism="ref")
    object.__setattr__(profile, "analysis", parts)
    object.__setattr__(profile, "sets", ("plain", "half", "floor"))
    profile.distances_file("max_div").unlink()
    for name, v in (("plain", 8.0), ("half", 5.0), ("floor", 2.0)):
        rows = [Row(q, "mmd", "style", "ref", 4, v, [v, v], "") for q in ("vase", "kite")]
        write_results(profile, name, rows, {"images": 8, "denoiser_passes": 0})
    found = gap_estimates(read_results(profile), profile, "mmd", "style")
    assert {name: one.value for name, one in found.items()} == {"plain": 0, "half": 0.5, "floor": 1}
    assert found["half"].interval == (0.5, 0.5)
