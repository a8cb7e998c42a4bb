"""The leaderboard from the results in git: it is what the code makes of them, and what a submission changes."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.leaderboard import board
from analysis.leaderboard.submissions import Provenance, Submission
from analysis.stages.across import leaderboard as stage
from analysis.study.leaderboard import RESULTS, read_leaderboard
from analysis.study.results import read_set
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput
from repulsion.core.files import read_yaml

ROOT = Path(__file__).parents[2]
PROVENANCE = Provenance("2026-11-28", "abc", False, "lock", "source", "x86_64, 2 cores", {"torch": "2"})


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def peers() -> Study:
    return read_profile(ROOT / "profiles/peers/params.yaml", Study)


def submitted(study: Study, name: str = "mine", like: str = "particle_guidance", **changes) -> Submission:
    """A method's results under another name."""
    row = read_yaml(Path(study.methods_file))[like]
    results = replace(read_set(study, like), set=name)
    plain = read_set(study, study.analysis.baseline)
    values = (1, name, name, row, {}, study.profile, "METHODS = {}", {}, results, plain, (10.0, 8.0, None), PROVENANCE)
    return replace(Submission(*values), **changes)


def made(tmp_path: Path, monkeypatch, found: list[Submission]) -> pd.DataFrame:
    monkeypatch.setattr(stage, "submissions", lambda: found)
    stage.run(read_leaderboard(), tmp_path)
    return pd.read_csv(tmp_path / "leaderboard.csv")


def test_the_board_in_git_is_made_from_the_results_in_git(tmp_path, monkeypatch):
    stage.run(read_leaderboard(), tmp_path)
    for name in (
        "leaderboard.csv",
        "leaderboard.shown.csv",
        "leaderboard.html",
        "leaderboard.schema.json",
        "submission.schema.json",
        "growth.csv",
    ):
        assert (tmp_path / name).read_text() == (RESULTS / name).read_text(), name
    found = pd.read_csv(tmp_path / "leaderboard.csv")
    records = json.loads((tmp_path / "leaderboard.json").read_text())["rows"]
    of_row = json.loads((tmp_path / "leaderboard.schema.json").read_text())["properties"]["rows"]["items"]
    kinds = {"string": str, "boolean": bool, "number": float | int, "null": type(None)}
    for record in records:
        assert list(record) == of_row["required"] == list(of_row["properties"])
        for name, value in record.items():
            kind = of_row["properties"][name]["type"]
            assert any(isinstance(value, kinds[k]) for k in ([kind] if isinstance(kind, str) else kind)), name
    assert [r["method"] for r in records] == found["method"].tolist()
    ranked = found[(found["model"] == "U-Net") & found["best rank"].notna()]
    assert ranked["within margins"].all() and not set(ranked["method"]) & read_leaderboard().unranked
    assert (ranked["gain"].diff().dropna() <= 0).all() and (ranked["best rank"] <= ranked["worst rank"]).all()
    plain = found[found["method"] == "plain"].iloc[0]
    assert plain["gain"] == 0 and plain["margin used"] == 0 and plain[board.ALL_PASSES] == 1


def test_a_submission_of_a_method_s_own_results_ties_with_it(tmp_path, monkeypatch, peers):
    found = made(tmp_path, monkeypatch, [submitted(peers)]).set_index("method")
    one, other = found.loc["mine"], found.loc["particle_guidance"]
    assert one["source"] == "submission" and one["gain"] == other["gain"] and one["margin used"] == other["margin used"]
    assert "particle_guidance" in one["tied with"].split() and one["best rank"] <= other["worst rank"]
    assert one["images for plain's artists"] == 10 and one["denoiser passes"] == 40


def test_submissions_that_cannot_be_merged_are_one_line(tmp_path, monkeypatch, peers):
    good = submitted(peers)
    short = replace(good.results, rows=good.results.rows[:-1])
    swapped = replace(good.results, rows=(*good.results.rows[1::-1], *good.results.rows[2:]))
    moved = [replace(row, value=row.value * 2) if row.metric == "frechet" else row for row in good.plain.rows]
    for changed, message in (
        (submitted(peers, name="truth"), "submission truth: that name is taken"),
        (submitted(peers, name="style_classifier"), "submission style_classifier: that name is taken"),
        (replace(good, profile="pears"), "submission mine: profile: expected one of small, peers, flow, got 'pears'"),
        (replace(good, results=short), "submission mine: .* is listed 0 times, expected 1"),
        (replace(good, results=swapped), "submission mine: results are in another order"),
        (
            replace(good, plain=replace(good.plain, rows=tuple(moved))),
            "submission mine: .* do not repeat; plain, prompt",
        ),
    ):
        with pytest.raises(BadInput, match=message):
            made(tmp_path, monkeypatch, [changed])


def test_a_submission_is_measured_against_its_own_plain_sampling(tmp_path, monkeypatch, peers):
    """Where plain sampling of the other machine is a little nearer to the reference, as much less is gained."""
    rows = [
        replace(r, value=r.value * 0.95, left_out=tuple(v * 0.95 for v in r.left_out)) if r.metric == "mmd" else r
        for r in submitted(peers).plain.rows
    ]
    nearer = submitted(peers)
    nearer = replace(nearer, plain=replace(nearer.plain, rows=tuple(rows)))
    found = made(tmp_path, monkeypatch, [nearer]).set_index("method")
    assert found.loc["mine", "gain"] < found.loc["particle_guidance", "gain"] - 0.01
