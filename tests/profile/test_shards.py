"""Kills, full disks and changed inputs: nothing that was computed is lost, and nothing stale is used."""

import errno
import sys
import zipfile
from dataclasses import replace
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from profile_values import VALUES
from safetensors import SafetensorError
from safetensors.torch import load_file

from pipeline.profile.profile import Profile
from pipeline.profile.prompts import Prompt
from pipeline.profile.scratch import fingerprint
from pipeline.sampling.coordinator import Work
from pipeline.sampling.fan_out import complete
from pipeline.sampling.shards import Job, make_set
from pipeline.sets import image_sets
from pipeline.sets.image_sets import ParticleSet, read_images
from repulsion.core import errors
from repulsion.core.settings import strict
from repulsion.tensors import weights
from repulsion.tensors.weights import hash_of, is_kept, write_tensors

PROMPT = Prompt("vase", "a painting of a vase", "test")
JOBS = [Job(PROMPT, (k, k + 1), (PROMPT.prompt,)) for k in range(0, 8, 2)]


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Profile:
    monkeypatch.chdir(tmp_path)
    return strict(Profile, VALUES, "params.yaml")


def maker(calls: list[Job], fail_at: int | None = None, error: BaseException | None = None):
    def make(job: Job, unfinished: Path) -> ParticleSet:
        if len(calls) == fail_at:
            raise error
        calls.append(job)
        images = np.full((len(job.index), 4, 4, 3), job.index[0], np.uint8)
        return ParticleSet("vase", list(job.index), list(job.index), images, [], 1)

    return lambda: make


def test_a_killed_run_ends_with_the_same_bytes_and_redoes_one_particle_set(profile):
    make_set(profile, "plain", JOBS, ["a"], maker([]))
    undisturbed = profile.samples("plain").read_bytes()
    profile.samples("plain").unlink()
    first, second = [], []
    with pytest.raises(KeyboardInterrupt):
        make_set(profile, "plain", JOBS, ["b"], maker(first, 2, KeyboardInterrupt()))
    assert not profile.samples("plain").exists() and len(first) == 2
    make_set(profile, "plain", JOBS, ["b"], maker(second))
    assert profile.samples("plain").read_bytes() == undisturbed
    assert second == JOBS[2:]


def test_a_finished_set_that_is_deleted_is_packed_again_without_its_maker(profile):
    make_set(profile, "plain", JOBS, ["a"], maker([]))
    before = profile.samples("plain").read_bytes()
    profile.samples("plain").unlink()

    def load():
        raise AssertionError("nothing is left to make")

    make_set(profile, "plain", JOBS, ["a"], load)
    assert profile.samples("plain").read_bytes() == before


def test_a_damaged_shard_is_made_again(profile):
    make_set(profile, "plain", JOBS, ["a"], maker([]))
    before, shard = (
        profile.samples("plain").read_bytes(),
        next((profile.scratch / "shards" / "plain").rglob(JOBS[1].name)),
    )
    content = bytearray(shard.read_bytes())
    for damage in (b"", bytes(content[: len(content) // 2])):
        shard.write_bytes(damage)
        calls = []
        make_set(profile, "plain", JOBS, ["a"], maker(calls))
        assert calls == [JOBS[1]] and profile.samples("plain").read_bytes() == before


def test_other_inputs_use_nothing_of_the_old_and_delete_it(profile):
    make_set(profile, "plain", JOBS, ["a"], maker([]))
    calls = []
    make_set(profile, "plain", JOBS, ["b"], maker(calls))
    assert calls == JOBS and len(list((profile.scratch / "shards" / "plain").iterdir())) == 1


def test_other_sets_keep_theirs(profile):
    make_set(profile, "plain", JOBS, ["a"], maker([]))
    make_set(profile, "latent", JOBS, ["a"], maker([]))
    make_set(profile, "plain", JOBS, ["a"], lambda: pytest.fail("made again"))


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(profile, monkeypatch):
    make_set(profile, "plain", JOBS[:2], ["a"], maker([]))
    write = zipfile.ZipFile.writestr
    room = [4]  # entries until the disk is full: in the middle of the third particle set

    def full(self, *args, **kwargs):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device", "samples.zip")
        return write(self, *args, **kwargs)

    monkeypatch.setattr(image_sets.zipfile.ZipFile, "writestr", full)
    with pytest.raises(SystemExit, match=r"error: the disk is full \(samples.zip\); free some space"):
        with errors.one_line_errors():
            make_set(profile, "plain", JOBS, ["a"], maker([]))
    assert not list(profile.results.rglob("*.part")) and not list(profile.scratch.rglob("*.part"))
    room[0] = 1_000
    calls = []
    make_set(profile, "plain", JOBS, ["a"], maker(calls))
    assert calls == JOBS[2:]
    assert (read_images(profile.samples("plain"))[:, 0, 0, 0] == [0, 0, 2, 2, 4, 4, 6, 6]).all()


def test_a_full_scratch_folder_is_one_line_too(tmp_path, monkeypatch):
    """safetensors gives the number of the system's error in its text alone."""

    def full(tensors, path):
        path.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(weights, "save_file", full)
    path = tmp_path / "scratch" / "000000.safetensors"
    with pytest.raises(SystemExit, match=r"error: the disk is full \(.*000000.safetensors\); free some space"):
        with errors.one_line_errors():
            write_tensors(path, {"rows": torch.ones(2)})
    assert not list(path.parent.iterdir())


def test_kept_tensors_that_are_damaged_are_made_again(profile):
    made = []

    def make(file: Path, part: Path) -> None:
        made.append(1)
        write_tensors(part, {"rows": torch.ones(2)})

    path = Path("scratch/kept/000.safetensors")
    work = Work("kept", path.parent, [path], is_kept, lambda: make)
    assert complete(profile, work)
    for damage in (path.read_bytes()[:20], b""):
        path.write_bytes(damage)
        assert complete(profile, work) and torch.equal(load_file(path)["rows"], torch.ones(2))
    assert len(made) == 3
    assert complete(profile, replace(work, load=lambda: pytest.fail("made again")))


def test_hash_of_sees_names_and_contents(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("x")
    one = hash_of(folder)
    assert hash_of(folder) == one
    (folder / "a").rename(folder / "b")
    two = hash_of(folder)
    (folder / "b").write_text("y")
    assert len({one, two, hash_of(folder)}) == 3


@pytest.mark.parametrize("name,counts", [("pipeline.mine", True), ("repulsion.mine", True), ("theirs.mine", False)])
def test_a_fingerprint_changes_with_the_code_that_runs(tmp_path, monkeypatch, name, counts):
    file = tmp_path / "mine.py"
    file.write_text("a = 1\n", encoding="utf-8")
    module = ModuleType(name)
    module.__spec__ = spec_from_file_location(name, file)
    monkeypatch.setitem(sys.modules, name, module)
    before = fingerprint("a")
    assert fingerprint("a") == before != fingerprint("b")
    file.write_text("a = 2\n", encoding="utf-8")
    assert (fingerprint("a") != before) == counts
