import json

import pytest
from test_profile import VALUES

from analysis.check import compare, read_expected, report
from analysis.results import passes_per_image, read_results, select, write_results
from pipeline.params import BadInput, strict
from pipeline.profile import Profile


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Profile:
    """Results of two sets with one row for each of two prompts."""
    monkeypatch.chdir(tmp_path)
    whole = strict(Profile, VALUES, "params.yaml")
    # the checks of a whole profile are not in the way here
    object.__setattr__(whole, "sets", ("plain", "max_div"))
    for k, name in enumerate(whole.sets):
        rows = [
            ("vase", "frechet", "general", "max_div", 4, 1 / 3 + k),
            ("kite", "frechet", "general", "max_div", 4, 2.0),
        ]
        write_results(whole, name, rows, 160)
    return whole


def test_rows_are_read_back_in_order(profile):
    results = read_results(profile)
    assert results["set"].tolist() == ["plain", "plain", "max_div", "max_div"]
    assert results["value"].tolist() == [0.33333333, 2.0, 1.3333333, 2.0]
    table = select(results, "frechet", "general", "max_div")
    assert list(table.columns) == ["vase", "kite"] and list(table.index) == ["plain", "max_div"]
    assert passes_per_image(profile).tolist() == [20, 20]


def test_no_table_is_made_of_half_of_the_results(profile):
    path = profile.distances_file("max_div")
    content = path.read_text()
    path.unlink()
    with pytest.raises(BadInput, match="no results of set max_div; expected one file for each of plain, max_div"):
        read_results(profile)
    path.write_text(content.replace('"max_div",\n "den', '"plain",\n "den'))
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
    expected = found.drop(columns="n")
    assert compare(found, expected, profile)["within"].all()
    moved = expected.assign(value=expected["value"] + [0.0, 0.0, 0.0, 1.0])  # 3 expected, within 0.2 of it
    table = compare(found, moved, profile)
    assert table["within"].tolist().count(False) == 1 and "1 beyond their tolerance" in report(table)
    assert compare(found, expected.assign(value=expected["value"] * 1.1), profile)["within"].all()


def test_a_row_that_only_one_side_has_is_beyond(profile):
    found = read_results(profile)
    assert not compare(found, found.drop(columns="n").iloc[:-1], profile)["within"].all()
    assert not compare(found.iloc[:-1], found.drop(columns="n"), profile)["within"].all()


def test_a_metric_without_a_tolerance_and_no_expected_file(profile):
    found = read_results(profile)
    object.__setattr__(profile, "check", {"mmd": profile.check["mmd"]})
    with pytest.raises(BadInput, match="no tolerance for frechet; got mmd"):
        compare(found, found.drop(columns="n"), profile)
    with pytest.raises(BadInput, match="no expected results at"):
        read_expected(profile.expected)
