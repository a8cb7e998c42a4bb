"""make archive: the same bytes twice, metadata that the validators of its formats accept."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import mlcroissant
import pytest
from archive import committed
from crates import issues
from end_to_end import ROOT

from analysis.artifact.archive import bundle
from analysis.artifact.archive.crate import PROFILES, crate_of
from analysis.artifact.archive.croissant import croissant_of
from analysis.artifact.hashes import recorded
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput

CRATES = ("ro-crate-1.1", "process-run-crate-0.5", "workflow-ro-crate-1.0", "workflow-run-crate-0.5",
          "provenance-run-crate-0.5")  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return committed(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def study(clone, monkeypatch) -> Study:
    monkeypatch.chdir(clone)
    return read_profile(Path("params.yaml"), Study)


@pytest.fixture(scope="module")
def sbom(clone) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clone)
        return bundle.sbom()


def unpacked(path: Path, folder: Path) -> Path:
    """As unzip does: with links and permissions."""
    with zipfile.ZipFile(path) as opened:
        for entry in opened.infolist():
            to, mode = folder / entry.filename, entry.external_attr >> 16
            to.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(mode):
                to.symlink_to(opened.read(entry).decode())
            else:
                to.write_bytes(opened.read(entry))
                to.chmod(stat.S_IMODE(mode))
    (inside,) = folder.iterdir()
    return inside


def test_an_archive_repeats_and_works(study, sbom, tmp_path, monkeypatch):
    """Other times and permissions of files in the clone change nothing; unpacked, DVC finds every stage up to date."""
    monkeypatch.setattr(bundle, "sbom", lambda: sbom)
    first = bundle.write(tmp_path / "first.zip", study)
    os.utime("README.md", (1, 1))
    Path("README.md").chmod(0o600)
    before = os.umask(0o077)
    try:
        assert bundle.write(tmp_path / "second.zip", study) == first
    finally:
        os.umask(before)
    folder = unpacked(tmp_path / "first.zip", tmp_path / "it is ümlaut")
    assert re.fullmatch(r"repulsion-bench-\d+\.\d+\.\d+", folder.name) and os.access(folder / ".ci/run", os.X_OK)
    assert {bundle.CRATE, bundle.CROISSANT, bundle.SBOM} <= {p.name for p in folder.iterdir()}
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, check=True, text=True).stdout.splitlines()
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or p.is_file()}
    assert found == {*tracked, bundle.CRATE, bundle.CROISSANT, bundle.SBOM}
    subprocess.run(["make", "scm", f"BIN={Path(sys.executable).parent}"], cwd=folder, check=True)
    command = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing", "dvc.yaml", "profiles/flow/dvc.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and "Running stage" not in done.stdout, done.stdout + done.stderr
    program = shutil.which("unzip")
    if program:
        subprocess.run([program, "-q", str(tmp_path / "first.zip"), "-d", str(tmp_path / "by_unzip")], check=True)
        (other,) = (tmp_path / "by_unzip").iterdir()
        assert (other / "profiles/ci/dvc.yaml").read_bytes() == Path("dvc.yaml").read_bytes()


def test_a_change_that_is_not_committed_is_refused(study, tmp_path):
    text = Path("README.md").read_text(encoding="utf-8")
    Path("README.md").write_text(text + "more\n", encoding="utf-8")
    try:
        with pytest.raises(BadInput, match=re.escape("made of a commit; commit or undo first: M README.md")):
            bundle.write(tmp_path / "it.zip", study)
    finally:
        Path("README.md").write_text(text, encoding="utf-8")
    assert not list(tmp_path.iterdir())


def test_without_git_it_stops_with_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(BadInput, match="an archive is made in a clone of the repository"):
        bundle.tracked()


@pytest.mark.parametrize("profile", CRATES)
def test_the_run_crate_conforms(study, tmp_path, monkeypatch, profile):
    """By the public validator; without its workflow it does not."""
    crate = crate_of(study)
    (tmp_path / bundle.CRATE).write_text(json.dumps(crate), encoding="utf-8")
    assert issues(tmp_path, profile, monkeypatch) == []
    crate["@graph"] = [one for one in crate["@graph"] if one["@id"] not in ("dvc.yaml", "./")]
    (tmp_path / bundle.CRATE).write_text(json.dumps(crate), encoding="utf-8")
    assert issues(tmp_path, profile, monkeypatch)


def test_the_run_crate_is_dvc_lock(study):
    """Every stage is an action, with the hashes that the lock file has; files of the crate are there."""
    graph = {one["@id"]: one for one in crate_of(study)["@graph"]}
    actions = [name for name in graph if name.startswith("#run/")]
    assert {"#run/sample@style_classifier", "#run/features", "#run/report"} <= set(actions) and len(actions) == 26
    assert graph["#results/small/samples/plain.zip"]["md5"] and graph["prompts.csv"]["md5"]
    for path, md5 in recorded(Path("dvc.lock")).items():
        one = graph.get(path) or graph[f"{path}/"]
        assert one["md5"] == md5.removesuffix(".dir")
    files = [n for n, one in graph.items() if "File" in one["@type"] or one["@type"] == "Dataset"]
    assert len(files) > 50 and all(Path(name).exists() for name in files)
    used = {one["@id"] for one in graph["#run/sample@style_classifier"]["object"]}
    assert {"models/painted-world/unet/", "models/style-classifier/"} <= used
    assert graph["#run/sample@style_classifier"]["result"] == [{"@id": "#results/small/samples/style_classifier.zip"}]
    assert {one["@id"] for one in graph["./"]["conformsTo"]} == set(PROFILES)


def test_croissant_is_valid_and_reads_what_is_in_git(study):
    """By its own library, which checks the files' hashes before it reads them."""
    Path("croissant.json").write_text(json.dumps(croissant_of(study), default=str), encoding="utf-8")
    try:
        data = mlcroissant.Dataset("croissant.json")
        assert not data.metadata.issues.errors and not data.metadata.issues.warnings
        prompts = [one["prompts/prompt_id"].decode() for one in data.records("prompts")]
        assert prompts[:2] == ["vase", "tree"] and len(prompts) == 12
        assert next(iter(data.records("results")))["results/value"] == pytest.approx(2.3957762)
        sets = {one.id for one in data.metadata.distribution}
        assert {"images-style_classifier", "images-max_div", "features"} <= sets
    finally:
        Path("croissant.json").unlink()


def test_the_list_of_packages_is_the_lock_file(sbom):
    """Every package with its version; no time, number or host of one run."""
    lock = dict(
        re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    assert len(lock) > 100 and {one["name"]: one["version"] for one in sbom["components"]} == lock
    assert "serialNumber" not in sbom and "timestamp" not in sbom["metadata"] and sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == "repulsion-bench"
