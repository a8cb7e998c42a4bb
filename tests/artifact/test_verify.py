"""make verify: each of its checks is broken once and says so; the row made again is compared prompt by prompt."""

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo
from end_to_end import ROOT

from analysis.artifact import fresh, recomputed, verify
from analysis.artifact.hashes import locks, md5_of, moved, recorded
from analysis.artifact.verdict import Check, differing, same
from analysis.study.carry_over import RESULTS as COMPARED
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """What make verify reads, to be changed: copies of the small files, of the models where they are broken."""
    for name in ("params.yaml", "dvc.lock", "expected.csv", "prompts.csv"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name in ("profiles", "results", "repulsion", "models", "bench", "submissions"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def owned(link: Path) -> Path:
    """A copy in the place of a link to a folder (and of its parents)."""
    for one in (*reversed(link.parents), link):
        if one.is_symlink():
            target = one.resolve()
            one.unlink()
            if one == link:
                shutil.copytree(target, one)
            else:
                one.mkdir()
                for child in target.iterdir():
                    (one / child.name).symlink_to(child)
    return link


def test_hashes_are_those_that_dvc_takes(monkeypatch):
    """Two routes: DVC's own, of a file and of a folder with others in it."""
    monkeypatch.chdir(ROOT)
    outs = {str(Path(out.fs_path).relative_to(ROOT)): out for out in Repo(str(ROOT)).index.outs}
    for name in ("results/small/prompts.csv", "results/small/tables", "models/style-classifier"):
        assert md5_of(Path(name)) == outs[name].get_hash().value == recorded(Path("dvc.lock"))[name]


def test_a_changed_byte_of_a_weight_is_found(folder):
    weights = owned(folder / "models" / "style-classifier") / "model.safetensors"
    content = bytearray(weights.read_bytes())
    assert moved(Path("dvc.lock"))[0] == []
    content[-1] ^= 1
    weights.write_bytes(content)
    assert moved(Path("dvc.lock"))[0] == ["models/style-classifier"]
    failed = verify.tell(verify.files())
    assert [one.what for one in failed if "lock" in one.what and "style-classifier" in one.found]
    weights.unlink()
    assert moved(Path("dvc.lock"))[0] == ["models/style-classifier"]


def test_every_lock_file_names_data_in_git(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert len(locks()) == 13 and all(recorded(lock) for lock in locks())
    assert {"models/painted-world/unet", "prompts.csv", "results/small/distances"} <= recorded(Path("dvc.lock")).keys()
    assert not [name for name in recorded(Path("dvc.lock")) if "samples" in name or name.startswith("analysis")]


def changed_result(folder: Path, factor: float) -> None:
    """The style classifier's distances to the reference in general, of one prompt, times a factor."""
    path = owned(folder / "results" / "small" / "distances") / "style_classifier.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    of = {"prompt_id": "vase", "metric": "mmd", "space": "general", "against": "max_div"}
    row = next(r for r in values["rows"] if of.items() <= r.items())
    row["value"], row["left_out"] = row["value"] * factor, [v * factor for v in row["left_out"]]
    path.write_text(json.dumps(values), encoding="utf-8")


def test_a_changed_result_is_found_by_every_route(folder):
    study = read_profile(Path("params.yaml"), Study)
    assert recomputed.expected_results(study).holds
    changed_result(folder, 1.001)
    assert moved(Path("dvc.lock"))[0] == ["results/small/distances"]
    assert "style_classifier, vase, mmd, general" in recomputed.expected_results(study).found
    failed = [one.what for one in recomputed.tables(study) if not one.holds]
    assert "results/small/tables/gap_closed_mmd.csv" in failed and "results/small/tables/truth.csv" not in failed
    failed = [one for one in recomputed.claims() if not one.holds]
    assert all(one.what.startswith("claim, U-Net") for one in failed)
    named = [
        one for one in failed if one.what.endswith("Repelling particles makes samples more diverse (style classifier)")
    ]
    assert len(named) == 1 and "expected 0.89131" in named[0].found
    assert not recomputed.leaderboard().holds


def test_a_moved_number_and_another_verdict_of_a_claim_are_found(folder):
    path = owned(folder / COMPARED) / "claims.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("0.89131097", "0.89231097").replace(",undecided\n", ",holds\n", 1), encoding="utf-8")
    failed = [one for one in recomputed.claims() if not one.holds]
    assert len(failed) == 2 and all(one.what.startswith("claim, ") for one in failed)
    path.write_text("\n".join(text.splitlines()[:-1]) + "\n", encoding="utf-8")
    assert [one.holds for one in recomputed.claims()] == [False]  # a claim that nobody lists


def test_tables_differ_where_a_cell_does():
    table = pd.DataFrame({"share": [0.5, np.nan], "held": [True, False]}, index=["a", "b"])
    assert differing(table, table.copy()) == []
    assert differing(table.assign(share=[0.500001, np.nan]), table) == ["a, share: expected 0.5, found 0.500001"]
    assert differing(table.assign(held=[True, True]), table) == ["b, held: expected False, found True"]
    assert differing(table.iloc[:1], table) and differing(table.rename(columns={"held": "x"}), table)
    assert same(0.3, 0.1 + 0.2) and not same(1, True) and not same(0.0, np.nan)


# The row that is made again.


def results_of(folder: Path, prompt: str) -> Study:
    """The shipped results of one prompt as those of a row that was made again."""
    study = fresh.profile_of([prompt])
    study.prompts_file.parent.mkdir(parents=True, exist_ok=True)
    lines = (ROOT / "results/small/prompts.csv").read_text().splitlines()
    study.prompts_file.write_text("\n".join([lines[0], *(one for one in lines if one.startswith(prompt))]) + "\n")
    shutil.copyfile(ROOT / "results/small/artists.csv", study.artists_file)
    for name in study.image_sets:
        values = json.loads((ROOT / f"results/small/distances/{name}.json").read_text())
        values["rows"] = [row for row in values["rows"] if row["prompt_id"] == prompt]
        values["images"] = study.images_per_prompt(name, study.artist_count)
        study.distances_file(name).parent.mkdir(exist_ok=True)
        study.distances_file(name).write_text(json.dumps(values))
    return study


def test_the_row_is_the_small_profile_s_but_for_its_prompts_and_methods(folder):
    study, small = fresh.profile_of(["cave"]), read_profile(Path("params.yaml"), Study)
    assert study.methods == ("plain", fresh.ROW) and study.prompts.only == ("cave",)
    own = {"profile", "root", "here", "methods", "image_sets", "prompts"}
    assert {k: v for k, v in vars(study).items() if k not in own} == {
        k: v for k, v in vars(small).items() if k not in own
    }
    assert replace(study.prompts, only=None) == small.prompts


def test_a_row_made_again_is_compared_within_tolerances_and_by_claims(folder):
    owned(folder / "results")
    study, shipped = results_of(folder, "cave"), read_profile(Path("params.yaml"), Study)
    lines = [*fresh.of_results(study, shipped, ["cave"]), *fresh.of_claims(study, shipped, ["cave"])]
    assert len(lines) == 5 + 3 and all(one.holds for one in lines)
    path = study.distances_file("style_classifier")
    values = json.loads(path.read_text())
    for row in values["rows"]:
        if (row["metric"], row["space"], row["against"]) == ("mmd", "general", "max_div"):
            row["value"], row["left_out"] = row["value"] * 50, [v * 50 for v in row["left_out"]]
    path.write_text(json.dumps(values))
    failed = [one for one in fresh.of_results(study, shipped, ["cave"]) if not one.holds]
    assert [one.what for one in failed] == ["made again, style_classifier"]
    assert "15 of 16 results within tolerance; moved most: cave mmd general" in failed[0].found
    failed = [one for one in fresh.of_claims(study, shipped, ["cave"]) if not one.holds]
    assert "makes samples more diverse" in failed[0].what and "; expected 0.897" in failed[0].found


def test_prompts_are_named_or_refused():
    known = ["vase", "tree", "cave"]
    assert fresh.prompts_of("cave, vase", known) == ["vase", "cave"] and fresh.prompts_of("all", known) == known
    with pytest.raises(BadInput, match="unknown prompt 'dragon'; expected one of vase, tree, cave"):
        fresh.prompts_of("dragon", known)
    with pytest.raises(BadInput, match="PROMPTS: expected all or some of vase, tree, cave, got nothing"):
        fresh.prompts_of(" ", known)
    with pytest.raises(BadInput, match="unknown prompt 'dragon'"):  # before its first check is asked for
        fresh.all_of("dragon")


@pytest.mark.parametrize("holds", [True, False])
def test_the_verdict_is_the_exit_code(monkeypatch, capsys, holds):
    monkeypatch.setattr(verify, "files", lambda: [Check("hashes, dvc.lock", True, "as recorded")])
    monkeypatch.setattr(recomputed, "all_of", lambda: [Check("a claim", holds, "0.1, holds")])
    monkeypatch.setattr(sys, "argv", ["verify"])
    if holds:
        verify.main()
    else:
        with pytest.raises(SystemExit, match="1"):
            verify.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "ok    hashes, dvc.lock: as recorded" and lines[2].startswith("ok  " if holds else "FAIL")
    assert re.match(
        "HOLDS: every check, without a row" if holds else "DOES NOT HOLD: 1 checks failed, first FAIL  a claim",
        lines[-1],
    )
