import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from profile_values import VALUES

from analysis.artifact.check import KEYS, compare, read_expected, report
from analysis.estimates.estimates import estimates, estimates_by_prompt, gap_estimates
from analysis.study.results import Row, by_prompt, passes_per_image, read_results, select, write_results
from analysis.study.rows import keys_of
from analysis.study.settings import Study, Tolerances
from pipeline.profile.prompts import read_prompts
from repulsion.core.errors import BadInput
from repulsion.core.settings import strict

PROMPTS = "prompt_id,prompt,split,method_prompt,seen,subject\nvase,a vase,test,a vase,a vase,\nkite,a kite,test,a kite,a kite,\n"
RUN = {"images": 4, "denoiser_passes": 80, "denoiser_backward_passes": 20}


def small_study() -> Study:
    """Plain sampling, another method and three references: two prompts, two sets of one particle, an encoder that
    reads nothing."""
    values = json.loads(json.dumps(VALUES))
    values |= {"methods": ["plain", "latent"], "image_sets": ["plain", "latent", *values["references"]]}
    values["sampling"] |= {"particles": 1, "sets_per_prompt": 2}
    values["prompts"] |= {"artists": ["ambrel", "boskin"]}
    values["encoder"] |= {"name": "inception"}
    for p in values["reference_sets"].values():
        p["images_per_artist"] = 1
    return strict(Study, values, "params.yaml")


def write(study: Study, name: str, of=lambda key: 1.0, left_out=None, run=RUN) -> None:
    """Results of a set, whole: of(key) is each value, and by default what it is without either particle set."""
    rows = []
    for key in keys_of(study, name, read_prompts(study.prompts_file)):
        value = of(key)
        without = left_out(key) if left_out else () if value is None else (value - 0.1, value + 0.1)
        rows.append(Row(*key, 2, value, without, "too few" if value is None else ""))
    write_results(study, name, rows, run)


def frechet(vase: float, kite: float):
    """Fréchet distances in the general space, by prompt; everything else is 1."""
    values = {"vase": vase, "kite": kite}
    return lambda key: values[key.prompt_id] if (key.metric, key.space) == ("frechet", "general") else 1.0


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Study:
    monkeypatch.chdir(tmp_path)
    study = small_study()
    study.prompts_file.parent.mkdir(parents=True)
    study.prompts_file.write_text(PROMPTS, encoding="utf-8")
    study.artists_file.write_text("artist\nambrel\nboskin\n", encoding="utf-8")
    for k, name in enumerate(study.image_sets):
        write(study, name, frechet(1 / 3 + k, 2.0))
    return study


def of_general(study: Study) -> pd.DataFrame:
    """What is compared below: one metric in one space of two sets, against the reference."""
    return select(read_results(study, ("plain", "latent")), "frechet", "general", "max_div")


def test_rows_are_read_back_in_order(profile):
    results = of_general(profile)
    assert results["set"].tolist() == ["plain", "plain", "latent", "latent"]
    assert results["value"].tolist() == [0.33333333, 2.0, 1.3333333, 2.0]
    table = by_prompt(read_results(profile), "frechet", "general", "max_div")
    assert list(table.columns) == ["vase", "kite"] and list(table.index) == ["plain", "latent", "max_div2", "truth"]
    passes = passes_per_image(profile, ("plain", "latent"))
    assert passes["denoiser passes"].tolist() == [20, 20] and passes["backward passes"].tolist() == [5, 5]


def test_no_table_is_made_of_half_of_the_results(profile):
    path = profile.distances_file("max_div")
    content = path.read_text(encoding="utf-8")
    path.unlink()
    with pytest.raises(BadInput, match="no results of set max_div; expected one file for each of plain, latent"):
        read_results(profile)
    path.write_text(content.replace('{"set": "max_div"', '{"set": "plain"'), encoding="utf-8")
    with pytest.raises(BadInput, match="expected the results of set max_div, got those of plain"):
        read_results(profile)
    path.write_text(content[:100], encoding="utf-8")
    with pytest.raises(BadInput, match="max_div.json: expected JSON"):
        read_results(profile)


def is_row(row: dict, metric: str = "frechet", space: str = "style", prompt_id: str = "kite") -> bool:
    return (row["metric"], row["space"], row["prompt_id"]) == (metric, space, prompt_id)


@pytest.mark.parametrize(
    "change,message",
    [
        (lambda f: f | {"rows": [r for r in f["rows"] if not is_row(r)]}, "frechet in style against max_div of prompt kite is listed 0 times, expected 1"),
        (lambda f: f | {"rows": [r for r in f["rows"] if r["metric"] != "vendi"]}, "vendi in general of prompt vase is listed 0 times"),
        (lambda f: f | {"rows": [r for r in f["rows"] if r["space"] != "gram"]}, "mean_similarity in gram of prompt vase is listed 0 times"),
        (lambda f: f | {"rows": [r for r in f["rows"] if r["prompt_id"] != "kite"]}, "of prompt kite is listed 0 times"),
        (lambda f: f | {"rows": [r for r in f["rows"] if r["against"] != "truth"]}, "against truth of prompt vase is listed 0 times"),
        (lambda f: f | {"rows": [*f["rows"], *filter(is_row, f["rows"])]}, "frechet in style against max_div of prompt kite is listed 2 times, expected 1"),
        (lambda f: f | {"rows": [*f["rows"], f["rows"][0] | {"metric": "fid"}]}, "fid in general of prompt vase is listed 1 times, expected 0"),
        (lambda f: f | {"rows": [r | {"value": float("nan")} if is_row(r) else r for r in f["rows"]]}, r"rows\[\d+\]: value: expected a finite number, got nan"),
        (lambda f: f | {"rows": [r | {"value": "1"} if is_row(r) else r for r in f["rows"]]}, r"value: expected float, got '1'"),
        (lambda f: f | {"rows": [r | {"value": None} if is_row(r) else r for r in f["rows"]]}, "kite: expected a value of 2 images and 0 without one particle set"),
        (lambda f: f | {"rows": [r | {"n": 3} if is_row(r) else r for r in f["rows"]]}, "frechet in style .* of prompt kite: expected a value of 2 images"),
        (lambda f: f | {"rows": [r | {"left_out": []} if is_row(r) else r for r in f["rows"]]}, "and 2 without one particle set"),
        (lambda f: f | {"rows": [r | {"left_out": [1.0]} if is_row(r) else r for r in f["rows"]]}, "and 2 without one particle set"),
        (lambda f: f | {"rows": [r | {"left_out": [1.0, float("inf")]} if is_row(r) else r for r in f["rows"]]}, "expected a finite number, got inf"),
        (lambda f: f | {"rows": [{k: v for k, v in r.items() if k != "left_out"} for r in f["rows"]]}, r"rows\[0\]: missing key 'left_out'; got prompt_id"),
        (lambda f: f | {"rows": []}, "rows: expected a list of at least 1"),
        (lambda f: f | {"images": 3}, "results of 3 images, expected 4"),
        (lambda f: {k: v for k, v in f.items() if k != "denoiser_passes"}, "missing key 'denoiser_passes'"),
        (lambda f: [], r"expected a mapping, got \[\]"),
    ],
)  # fmt: skip
def test_results_that_are_not_whole_stop_every_reader_with_one_line(profile, change, message):
    path = profile.distances_file("plain")
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    for read in (read_results, passes_per_image):
        with pytest.raises(BadInput, match=message) as raised:
            read(profile)
        assert "\n" not in str(raised.value) and str(path) in str(raised.value)


def test_a_stray_set(profile):
    profile.distances_file("old_method").write_text("{}")
    with pytest.raises(BadInput, match="results of old_method, which is none of the profile's sets"):
        read_results(profile)


def test_a_metric_that_was_not_measured(profile):
    with pytest.raises(BadInput, match="no results of effective_artists"):
        select(read_results(profile), "effective_artists")


def test_check_by_hand(profile):
    found = of_general(profile)
    expected = found[[*KEYS, "value"]]
    assert compare(found, expected, profile)["within"].all()
    moved = expected.assign(value=expected["value"] + [0.0, 0.0, 0.0, 1.0])  # 3 expected, within 0.2 of it
    table = compare(found, moved, profile)
    assert table["within"].tolist().count(False) == 1 and "1 beyond their tolerance" in report(table)
    assert compare(found, expected.assign(value=expected["value"] * 1.1), profile)["within"].all()


@pytest.mark.parametrize(
    "n,found,expected,images,within",
    [
        (20, 1.0, 0.95, 1, True),  # 1 - 0.95 is 0.050000000000000044
        (20, 0.95, 1.0, 1, True),
        (20, 0.9, 1.0, 1, False),
        (20, 0.9, 1.0, 2, True),
        (120, 119 / 120, 1.0, 1, True),
        (120, 118 / 120, 1.0, 1, False),
        (7, 5 / 7, 6 / 7, 1, True),
        (3, 0.33333333, 0.66666667, 1, True),  # eight digits, as results carry them
        (20, 1.0, 1.0, 0, True),
        (20, 0.95, 1.0, 0, False),
    ],
)
def test_tolerances_of_counts_are_in_images(profile, n, found, expected, images, within):
    changes = replace(profile.analysis, check={"subject_accuracy": Tolerances(images=images)})
    row = dict(zip(KEYS, ("plain", "vase", "subject_accuracy", "", ""), strict=True))
    table = compare(
        pd.DataFrame([row | {"n": n, "value": found}]),
        pd.DataFrame([row | {"value": expected}]),
        replace(profile, analysis=changes),
    )
    assert table["within"].tolist() == [within]


def test_a_difference_of_exactly_the_tolerance_is_within(profile):
    changes = replace(profile.analysis, check={"frechet": Tolerances(absolute=0.05)})
    row = dict(zip(KEYS, ("plain", "vase", "frechet", "general", "max_div"), strict=True))
    for value, within in ((1.0, True), (0.9, True), (1.00001, False)):
        found, expected = pd.DataFrame([row | {"n": 20, "value": value}]), pd.DataFrame([row | {"value": 0.95}])
        assert compare(found, expected, replace(profile, analysis=changes))["within"].tolist() == [within]


def test_a_row_that_only_one_side_has_is_beyond(profile):
    found = of_general(profile)
    assert not compare(found, found[[*KEYS, "value"]].iloc[:-1], profile)["within"].all()
    assert not compare(found.iloc[:-1], found[[*KEYS, "value"]], profile)["within"].all()


def test_expected_values_that_are_not_whole(profile):
    with pytest.raises(BadInput, match="no expected.csv; python -m analysis.artifact.check with --accept writes it"):
        read_expected(profile.expected)
    table = of_general(profile)[[*KEYS, "value"]]
    for bad, message in (
        (
            pd.concat([table, table.iloc[:1]]),
            "the row of set plain, prompt_id vase, .* is listed 2 times, expected once",
        ),
        (table.assign(value="much"), "column value: expected finite numbers"),
        (table.assign(value=np.inf), "column value: expected finite numbers"),
        (table.drop(columns="space"), "no column space"),
        (table.iloc[:0], "no rows"),
    ):
        bad.to_csv(profile.expected, index=False)
        with pytest.raises(BadInput, match=message):
            read_expected(profile.expected)


def test_estimates_are_means_with_intervals_around_them(profile):
    found = estimates(read_results(profile), "frechet", "general", "max_div")
    assert found["plain"].value == pytest.approx((1 / 3 + 2) / 2)
    low, high = found["plain"].interval
    assert low < found["plain"].value < high
    difference = found["latent"] - found["plain"]
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


def test_a_prompt_without_a_value_leaves_no_interval(profile):
    for name in profile.image_sets:
        write(profile, name, lambda key: None if (key.metric, key.prompt_id) == ("rke", "vase") else 2.0)
    results = read_results(profile)
    assert np.isnan(estimates(results, "rke", "general")["plain"].value)
    by_prompts = estimates_by_prompt(results, "rke", "general")["plain"]
    assert np.isnan(by_prompts["vase"].value) and by_prompts["kite"].value == 2
    assert "too few" in profile.distances_file("plain").read_text(encoding="utf-8")


def test_one_particle_set_leaves_no_interval(profile):
    values = replace(profile.sampling, particles=2, sets_per_prompt=1)
    profile = replace(profile, sampling=values)
    for name in profile.image_sets:
        write(profile, name, left_out=lambda key: ())
    results = read_results(profile)
    single = estimates(results, "vendi", "general")["plain"]
    assert single.value == 1 and np.isnan(single.interval).all()
    assert np.isnan(estimates_by_prompt(results, "vendi", "general")["plain"]["kite"].interval).all()


def test_gap_estimates_by_hand(profile):
    distances = {"plain": 8.0, "latent": 5.0, "max_div2": 2.0}
    for name, v in distances.items():
        write(profile, name, lambda key, v=v: v, left_out=lambda key, v=v: (v, v))
    results = read_results(profile, tuple(distances))
    found = gap_estimates(results, profile, "mmd", "style")
    assert {name: one.value for name, one in found.items()} == {"plain": 0, "latent": 0.5, "max_div2": 1}
    assert found["latent"].interval == (0.5, 0.5)
