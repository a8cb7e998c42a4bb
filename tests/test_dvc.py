"""What DVC would run after a change, by a dry run in a copy of the repository: its lock file holds what was run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


# What no archive of the repository holds.
MADE = re.compile(
    r"\.venv|scratch|\.git|\.dvc/(cache|tmp|config.local)|results/[^/]+/(samples|features|report)|.*__pycache__"
)


def files() -> list[str]:
    """The repository's files: those that git knows, or all of an unpacked archive but what was made in it."""
    if not (ROOT / ".git").exists():
        found = (str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file())
        return [name for name in found if not re.match(rf"({MADE.pattern})/", name)]
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [name for name in found.split("\0") if name and (ROOT / name).is_file()]


def archive(folder: Path) -> Path:
    """The repository's files and nothing else."""
    for name in files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


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
    assert {"prompts", "style_classifier", "sample@plain", "features@truth", "distances@plain", "report"} <= found
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


@pytest.mark.parametrize("module", ["mmd.py", "settings.py"])
def test_an_edit_of_analysis_samples_nothing(copy, every_stage, module):
    path = copy / "analysis" / module
    changed(path, "from __future__", "# an edit\nfrom __future__")
    try:
        moved = every_stage - unchanged(copy)
    finally:
        changed(path, "# an edit\n", "")
    assert "distances@plain" in moved
    assert not {name for name in moved if name.startswith(("sample", "reference", "features", "style"))}


def test_another_tolerance_runs_nothing_but_the_validation_and_the_report(copy, every_stage):
    tolerances = "{images: 6}", "{images: 7}"
    changed(copy / "params.yaml", *tolerances)
    try:
        moved = every_stage - unchanged(copy)
    finally:
        changed(copy / "params.yaml", *reversed(tolerances))
    assert moved == {"prompts", "report"}


def test_what_is_long_is_frozen(copy, every_stage):
    """An edit of a file that the training, the validation and the sweep import starts none of them."""
    path = copy / "pipeline" / "noise.py"
    changed(path, "from __future__", "# an edit\nfrom __future__")
    try:
        moved = every_stage - unchanged(copy)
    finally:
        changed(path, "# an edit\n", "")
    assert "sample@plain" in moved and not {name for name in moved if ":" in name}
