"""What DVC would run after a change, by a dry run in a copy of the repository: its lock file holds what was run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from archive import archive

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = archive(tmp_path_factory.mktemp("copy"))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def test_an_unpacked_archive_is_a_repository_for_dvc(tmp_path, every_stage):
    """Reviewers get one: without git. `make reproduce` tells DVC first."""
    folder = archive(tmp_path)
    assert unchanged(folder) == set()
    for _ in range(2):  # safe to repeat
        subprocess.run(["make", "scm", f"BIN={Path(sys.executable).parent}"], cwd=folder, check=True)
    assert unchanged(folder) == every_stage


def unchanged(folder: Path) -> set[str]:
    """The stages that DVC finds up to date. Outputs that only a run brings are missing here: a stage that would run on
    them is one that it cannot try, and goes on after."""
    command = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing", "--keep-going"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return set(re.findall(r"Stage '([^']+)' didn't change", found.stdout + found.stderr))


@pytest.fixture(scope="module")
def every_stage(copy) -> set[str]:
    found = unchanged(copy)
    assert {"prompts", "style_classifier", "sample@plain", "features", "distances", "report"} <= found
    return found


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_committed_is_up_to_date(copy, every_stage):
    command = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing"]
    found = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert found.returncode == 0 and "Running stage" not in found.stdout


def test_a_changed_strength_resamples_its_own_row_only(copy, every_stage):
    path = copy / "repulsion/data/methods.yaml"
    text = path.read_text()
    row = text[text.index("channel_average:") :].split("\n\n")[0]
    path.write_text(text.replace(row, row.replace("value: 0.1}", "value: 0.05}")))
    try:
        moved = every_stage - unchanged(copy)
    finally:
        path.write_text(text)
    sampled = {name for name in moved if name.startswith(("sample", "reference", "style"))}
    assert sampled == {"sample@channel_average"}


# An edit of a file, stages that run again, and (beginnings of) those that do not.
SAMPLING = ("sample", "reference", "style_classifier")
EDITS = {
    "analysis/metrics/mmd.py": ({"distances", "tables"}, (*SAMPLING, "features", "story")),
    "analysis/study/settings.py": ({"distances", "tables"}, (*SAMPLING, "features", "story")),
    "analysis/figures/images/pairs.py": ({"figures"}, (*SAMPLING, "features", "distances", "tables")),
    "analysis/paper/page.py": ({"report"}, (*SAMPLING, "features", "distances", "tables", "figures")),
    "pipeline/world/painted/palette.py": ({"reference@truth", "features"}, ("sample", "style_classifier", "story")),
    "pipeline/encoders/feature_spaces.py": ({"features"}, (*SAMPLING, "story")),
    "pipeline/stages/reference.py": ({"reference@max_div"}, ("sample", "style_classifier", "features", "distances")),
    "pipeline/training/loop.py": ({"style_classifier"}, ("sample", "reference", "features", "distances")),
    "repulsion/tensors/noise.py": ({"sample@plain", "style_classifier", "story"}, ("features", "distances", ":")),
    # what a machine needs, what a run costs, and the command line are no part of any result
    "pipeline/machine/requirements.py": (set(), ("",)),
    "pipeline/machine/cost.py": (set(), ("",)),
    "repulsion/command/sample.py": (set(), ("",)),
    "repulsion/__init__.py": (set(), ("",)),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_runs_what_depends_on_it_and_nothing_else(copy, every_stage, name):
    """The long stages are frozen: none of them runs."""
    runs, stays = EDITS[name]
    changed(copy / name, "from __future__", "# an edit\nfrom __future__")
    try:
        moved = every_stage - unchanged(copy)
    finally:
        changed(copy / name, "# an edit\n", "")
    assert runs <= moved and not [stage for stage in moved if stage.startswith(stays) or ":" in stage]


def test_what_editors_and_python_leave_in_a_folder_of_code_runs_nothing(copy, every_stage):
    left = [copy / name for name in ("pipeline/world/notes.md", "analysis/metrics/.mmd.py.swp", "repulsion/core/x.pyc")]
    for path in left:
        path.write_bytes(b"left")
    try:
        assert unchanged(copy) == every_stage
    finally:
        for path in left:
            path.unlink()


def test_another_tolerance_runs_nothing_but_the_first_and_the_last_stage(copy, every_stage):
    tolerances = "{images: 6}", "{images: 7}"
    changed(copy / "params.yaml", *tolerances)
    try:
        moved = every_stage - unchanged(copy)
    finally:
        changed(copy / "params.yaml", *reversed(tolerances))
    assert moved == {"prompts", "report"}
