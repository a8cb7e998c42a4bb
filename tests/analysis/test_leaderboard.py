"""Ranks, privileges, submissions and the page of the leaderboard."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.estimates.estimates import Estimate
from analysis.estimates.quality import margin_used
from analysis.figures.beside import spread_out
from analysis.leaderboard import board, html, privileges, submit
from analysis.leaderboard.cards import CARDS, METHODS, Expectation, measured, page, read_cards, shows
from analysis.leaderboard.privileges import networks_of, shared_labels, shares_weights, weights_of
from analysis.leaderboard.ranks import freedom_of, p_paired, ranks
from analysis.leaderboard.submissions import Provenance, Submission, read_submission, require_repeats, schema, table
from analysis.study.leaderboard import RESULTS
from analysis.study.results import Row, SetResults
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput
from repulsion.forces.embeddings import NEEDS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(monkeypatch) -> Study:
    monkeypatch.chdir(ROOT)
    return read_profile(Path("params.yaml"), Study)


def estimate(value: float, common: np.ndarray, own: np.ndarray) -> Estimate:
    return Estimate(value, value + common + own)


def drawn(seed: int, scale: float) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal(10_000)


def test_the_paired_p_value_is_student_s():
    """At a difference of 2.1009 deviations and 18 degrees of freedom: 0.05, from a table of t."""
    draws = drawn(0, 1.0)
    draws = (draws - draws.mean()) / draws.std()
    assert p_paired(Estimate(2.1009, draws), 18) == pytest.approx(0.05, abs=1e-4)
    assert p_paired(Estimate(0.0, draws), 18) == 1
    assert p_paired(Estimate(0.0, np.zeros(5)), 18) == 1 and p_paired(Estimate(0.1, np.zeros(5)), 18) == 0


def test_ranks_say_who_is_not_told_apart():
    """a and b differ by less than their noise, c by much more; what all share cancels, as pairs are paired."""
    common = drawn(0, 5.0)
    values = {
        "a": estimate(0.50, common, drawn(1, 0.02)),
        "b": estimate(0.49, common, drawn(2, 0.02)),
        "c": estimate(0.20, common, drawn(3, 0.02)),
    }
    found = ranks(values, freedom_of(6, 4))
    assert found["a"][:2] == found["b"][:2] == (1, 2) and found["c"][:2] == (3, 3)
    assert found["a"].tied == ("b",) and found["c"].tied == ()
    alone = ranks({"a": values["a"]}, 18)
    assert alone["a"] == (1, 1, ())


def test_more_pairs_make_a_tie_more_likely():
    """A difference of 2.2 deviations is one at 5% among two methods, not among ten."""
    two = {"a": Estimate(0.0, np.zeros(10_000)), "b": Estimate(2.2, 2.2 + drawn(1, 1.0))}
    many = two | {f"m{k}": Estimate(0.0, drawn(k + 5, 1.0)) for k in range(8)}
    assert ranks(two, 18)["b"].tied == () and "a" in ranks(many, 18)["b"].tied


def test_the_networks_of_spaces_are_the_library_s():
    assert privileges.NETWORKS == NEEDS


def test_a_method_that_knows_the_labels_is_said_to(study):
    row = {"predict": "euler", "repel": [{"space": "style_classifier"}], "select": {"space": "decoded_cnn"}}
    assert networks_of(row, NEEDS) == ["classifier", "decode"]
    assert shared_labels(row, study) == ("artist",)
    assert (
        shared_labels({"repel": [{"space": "decoded_cnn"}]}, study) == shared_labels({"predict": "euler"}, study) == ()
    )
    assert weights_of(row, study) == [Path("models/style-classifier"), Path("models/painted-world/vae")]


def test_weights_that_are_the_encoder_s_are_found(study, tmp_path):
    assert not shares_weights([Path("models/style-classifier"), Path("models/painted-world/vae")], study)
    assert shares_weights([Path(study.encoder.weights)], study)
    assert not shares_weights([], study)


ROW = {"space": "", "against": "", "n": 120, "left_out": (0.9, 1.1), "reason": ""}
PROVENANCE = Provenance("2026-11-28", "abc", False, "lock", "source", "x86_64, 2 cores", {"torch": "2"})


def results(name: str, value: float) -> SetResults:
    return SetResults(name, 120, 4800, 0, (Row(prompt_id="vase", metric="effective_artists", value=value, **ROW),))


def submission(**changes) -> Submission:
    values = {
        "version": 1,
        "method": "mine",
        "row_name": "mine-10",
        "row": {"predict": "euler"},
        "needs": {},
        "profile": "peers",
        "code": "METHODS = {}",
        "development": {"mine-10": 0.1},
        "results": results("mine-10", 2.0),
        "plain": results("plain", 1.0),
        "needed": (10.0, 8.0, None),
        "provenance": PROVENANCE,
    }
    return Submission(**(values | changes))


def test_a_submission_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(asdict(submission())))
    assert read_submission(path) == submission()
    other = path.rename(tmp_path / "other.json")
    with pytest.raises(BadInput, match="expected a file named mine.json"):
        read_submission(other)


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"version": 2}, "version: expected one of 1, got 2"),
        ({"method": "../mine"}, "method"),
        ({"needed": [1.0]}, "needed: expected a list of at least 3"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"row_name": "other"}, "results: expected those of 'other', got those of 'mine-10'"),
        ({"provenance": {"date": "today"}}, "provenance: missing key 'commit'"),
    ],
)
def test_what_the_schema_does_not_allow_is_one_line(tmp_path, changes, message):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(asdict(submission()) | changes))
    with pytest.raises(BadInput, match=re.escape(message)):
        read_submission(path)


def test_the_schema_names_what_a_submission_has():
    found = json.loads(schema())
    assert set(found["required"]) == set(asdict(submission())) - {"repeated"}


def test_numbers_that_do_not_repeat_are_refused_with_the_row_that_differs(study):
    """effective_artists may move by 15%."""
    expected = table("mine", results("mine", 2.0).rows)
    require_repeats("mine.json", table("mine", results("mine", 2.29).rows), expected, study)
    with pytest.raises(
        BadInput,
        match=re.escape(
            "mine.json: 1 of 1 results do not repeat; mine, prompt vase: effective_artists: expected 2, got 2.31, "
            "tolerance 0.3"
        ),
    ):
        require_repeats("mine.json", table("mine", results("mine", 2.31).rows), expected, study)
    with pytest.raises(BadInput, match="2 of 2 results do not repeat"):  # one is missing, one too many
        require_repeats("mine.json", table("other", results("other", 2.0).rows), expected, study)


@pytest.mark.parametrize(
    "method,message",
    [
        ("nowhere.py", "METHOD: no such file: nowhere.py"),
        ("unknown", "entry points of group repulsion.methods, got 'unk"),
    ],
)
def test_a_method_that_is_nowhere_is_one_line(method, message):
    with pytest.raises(BadInput, match=message):
        submit.source_of(method)


def test_a_file_s_rows_are_validated_in_a_process_of_its_own(study, tmp_path, capfd):
    file = tmp_path / "mine.py"
    file.write_text('METHODS = {"mine-1": {"predict": "euler"}, "mine-2": {"predict": "heun"}}')
    rows = {"mine-1": {"predict": "euler"}, "mine-2": {"predict": "heun"}}
    assert submit.rows_of(file) == (rows, NEEDS)
    file.write_text('METHODS = {"mine": {"predict": "eular"}}')
    with pytest.raises(BadInput, match="pipeline.machine.rows ended with 1"):
        submit.rows_of(file)
    assert "unknown prediction step 'eular'; expected one of euler" in capfd.readouterr().err
    file.write_text('METHODS = {"a": {"predict": "euler"}, "b": {"predict": "euler"}}')
    with pytest.raises(BadInput, match="expected rows of one method"):
        submit.rows_of(file)


def lines(**changes) -> pd.DataFrame:
    """A board of two methods."""
    base = {"model": "U-Net", "source": "peers", "within margins": True, "best rank": 1.0, "worst rank": 2.0}
    base |= {"tied with": "", "margin used": 0.5, board.ALL_PASSES: 1.0, "knows labels": "", "shares weights": False}
    for name in ("gain", "gap general", *board.COUNTS, board.NEEDED):
        base |= {name: 0.5, f"{name} low": 0.4, f"{name} high": 0.6}
    one = base | {"method": "first_one"}
    out = {"within margins": False, "best rank": np.nan, "worst rank": np.nan, "knows labels": "artist"}
    return pd.DataFrame([one, base | {"method": "<b>second</b>"} | out]).assign(**changes)


def test_the_printed_board():
    shown = board.shown(lines())
    assert shown["rank"].tolist() == ["1-2", "-"] and shown["margins"].tolist() == ["hold", "do not"]
    assert shown["gain"][0] == "0.500 [0.400, 0.600]" and shown["method"][0] == "first one"


def test_the_page_escapes_names_and_holds_every_row():
    page = html.render(lines())
    assert "<b>second</b>" not in page and "&lt;b&gt;second&lt;/b&gt;" in page
    assert page.count('<th scope="row">') == 2 and page.count('<tr class="out">') == 1 and ">artist</td>" in page
    assert page.count('<th scope="col"') == 5 + 5 + 2  # words, numbers with intervals, numbers alone


def test_the_margin_that_is_used_is_the_worst_one():
    none = np.zeros(10)
    differences = {"accuracy": Estimate(-0.015, none), "error": Estimate(0.004, none)}
    assert margin_used(differences, {"accuracy": -0.03, "error": 0.02}).value == pytest.approx(0.5)
    assert np.isnan(margin_used({}, {}).value)


def test_rows_are_of_three_kinds():
    cell = {"energy": "rbf", "space": "latent"}
    assert board.kind_of({"predict": "euler"}) == board.kind_of({"predict": "euler", "repel": None}) == "other"
    assert board.kind_of({"repel": [cell, cell | {"direction": "apart"}]}) == "repulsion"
    assert board.kind_of({"repel": [cell, cell | {"direction": "shuffled"}]}) == "control"


def test_a_board_of_several_worlds_says_which():
    one = lines(world="painted")
    assert ">painted</td>" not in html.render(one)
    both = html.render(pd.concat([one, lines(world="drawn", model="U-Net, drawn")]))
    assert both.count(">painted</td>") == both.count(">drawn</td>") == 2


def test_names_stand_apart_from_the_top_down():
    assert spread_out([0.9, 0.88, 0.5], 0.1) == pytest.approx([0.9, 0.8, 0.5])


def test_plain_sampling_of_another_machine_is_refused(study):
    p = study.analysis
    one = pd.DataFrame([{"set": p.baseline, "metric": "mmd", "space": "general", "against": p.reference}])
    found = [one.assign(prompt_id="vase", value=v, left_out=[[v, v]]) for v in (0.1, 0.101, 0.2)]
    board.require_same_plain(study, found[0], study, found[1])
    with pytest.raises(BadInput, match="not the same images; make both on one machine"):
        board.require_same_plain(study, found[0], replace(study, profile="peers"), found[2])


def test_every_published_method_has_a_card_and_every_card_a_row():
    cards, rows = read_cards(ROOT / CARDS), yaml.safe_load((ROOT / METHODS).read_text())
    profiles = [
        yaml.safe_load((ROOT / path).read_text())["methods"] for path in ("params.yaml", "profiles/peers/params.yaml")
    ]
    shown = {name for methods in profiles for name in methods}
    assert set(cards) <= set(rows) and set(cards) <= shown
    assert {name for name in profiles[1] if not name.startswith("guidance_") and name != "plain"} <= set(cards)


def test_the_page_of_cards_is_made_from_the_results(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert (ROOT / "docs" / "methods.md").read_text(encoding="utf-8") == page()


def test_a_direction_that_does_not_show_is_explained(monkeypatch):
    monkeypatch.chdir(ROOT)
    board, growth = (pd.read_csv(RESULTS / f"{name}.csv") for name in ("leaderboard", "growth"))
    board = board[board["model"] == "U-Net"]
    for name, card in read_cards().items():
        lows = [(expects, measured(name, expects, board, growth)[1]) for expects in card.expects]
        assert card.why or all(shows(expects, low) for expects, low in lows), name


def test_a_direction_is_an_interval_above_plain_sampling_s():
    assert shows(Expectation("gain"), 0.01) and not shows(Expectation("gain"), -0.01)
    in_a_set = Expectation("artists in a set", 4)
    assert shows(in_a_set, 1.1) and not shows(in_a_set, 0.9)
    with pytest.raises(BadInput, match="particles: expected a number for what is counted in a set alone, got None"):
        Expectation("artists in a set")
