"""What people do with DVC beyond dvc repro, on this layout; and where they do it: paths, shallow clones, work trees."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from archive import committed

# What the first stage of the ci profile does not read: DVC looks at every profile, and git at every file.
LESS = r"(models/(?!painted-world/)|results/(?!(small|validation|sweep)/[^/]*$)|profiles/(?!ci/|sweep/|validation/|params)|tests/|docs/|bench/)"
PARAMS, SUMMARY, GAP = "profiles/ci/params.yaml", "results/small/summary.json", "results/small/gap_closed.csv"


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return committed(tmp_path_factory.mktemp("a clone"))


def dvc(folder: Path, *words: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # of which stages take their python
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def experiment(tmp_path_factory) -> Path:
    """The first stage of the ci profile with another value, as an experiment; two numbers of the small profile's are
    others, too."""
    clone = committed(tmp_path_factory.mktemp("small"), LESS)
    words = ["--single-item", "--name", "tree-alone", "profiles/ci/dvc.yaml:prompts"]
    dvc(clone, "exp", "run", "--set-param", f"{PARAMS}:prompts.only=[tree]", *words)
    values = json.loads((clone / SUMMARY).read_text(encoding="utf-8"))
    values["style_classifier"]["effective_artists"] += 1
    (clone / SUMMARY).write_text(json.dumps(values, indent=1), encoding="utf-8")
    text = (clone / GAP).read_text(encoding="utf-8")
    (clone / GAP).write_text(text.replace("plain,0", "plain,0.5"), encoding="utf-8")
    return clone


def test_an_experiment_runs_its_stage_with_the_value_that_is_set(experiment):
    with (experiment / "results/ci/prompts.csv").open(newline="", encoding="utf-8") as file:
        assert [row["prompt_id"] for row in csv.DictReader(file)] == ["tree"]
    assert "tree-alone" in dvc(experiment, "exp", "list")
    assert not (experiment / "results/ci/samples").exists()


def test_params_diff_names_the_value(experiment):
    found = json.loads(dvc(experiment, "params", "diff", "HEAD", "--targets", PARAMS, "--json"))
    changed = found[PARAMS]
    assert changed == {"prompts.only": {"old": "['vase', 'kite']", "new": "['tree']"}}


def test_metrics_diff_names_the_metric(experiment):
    found = json.loads(dvc(experiment, "metrics", "diff", "HEAD", "--targets", SUMMARY, "--json"))
    (path,) = found
    assert path == SUMMARY and list(found[path]) == ["style_classifier.effective_artists"]
    assert found[path]["style_classifier.effective_artists"]["diff"] == pytest.approx(1)


def test_plots_are_drawn(experiment, tmp_path):
    dvc(experiment, "plots", "show", GAP, "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "style_classifier" in page and "0.5" in page and "workspace" in page


def test_plots_diff_draws_both_revisions(experiment, tmp_path):
    """Where a profile's dvc.yaml is a link, DVC reads it in a revision as if its target's name were YAML."""
    dvc(experiment, "plots", "diff", "HEAD", "--targets", GAP, "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '"rev": "HEAD"' in page and '"rev": "workspace"' in page


def shallow(clone: Path, folder: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", clone.as_uri(), str(folder)], check=True)


def work_tree(clone: Path, folder: Path) -> None:
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder)], cwd=clone, check=True)


def tarball(clone: Path, folder: Path) -> None:
    """An archive by git, unpacked by tar: no repository."""
    folder.mkdir()
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=clone, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)


@pytest.mark.parametrize("place", [shallow, work_tree, tarball], ids=lambda place: place.__name__)
def test_every_place_is_up_to_date(clone, place, tmp_path):
    """In a path with a blank, an umlaut, brackets and a quote. Without git DVC says so; make scm tells it."""
    folder = tmp_path / "it's an ümlaut [1] & more"
    place(clone, folder)
    (folder / "results").resolve(strict=True)
    run = ["repro", "--dry", "--allow-missing", "dvc.yaml", "profiles/flow/dvc.yaml"]
    if place is tarball:
        done = subprocess.run([sys.executable, "-m", "dvc", *run], cwd=folder, capture_output=True, text=True)
        assert done.returncode and "not a git repository" in done.stderr.lower()
    subprocess.run(["make", "scm", f"BIN={Path(sys.executable).parent}"], cwd=folder, check=True)
    assert "Running stage" not in dvc(folder, *run)
    assert json.loads(dvc(folder, "metrics", "show", SUMMARY, "--json"))
