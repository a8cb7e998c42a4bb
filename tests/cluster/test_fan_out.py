"""Coordinator and workers, with forked processes in the place of a cluster's tasks."""

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pipeline.profile.executor import Executor
from pipeline.profile.profile import read_profile
from pipeline.profile.scratch import WORKER
from pipeline.sampling import coordinator, fan_out
from pipeline.sampling.coordinator import MACHINE, Work
from pipeline.sampling.fan_out import complete
from pipeline.sampling.tasks import read_tasks
from repulsion.core.errors import BadInput

ROOT = Path(__file__).parents[2]
FORK = multiprocessing.get_context("fork")


class Cluster:
    """Tasks as forked processes. `begin(name)`: what a task does before it works, such as to be killed."""

    def __init__(self, work: Work, profile) -> None:
        self.work, self.profile, self.running, self.begin = work, profile, {}, lambda name: None

    def submit(self, executor, logs, title, calls) -> list[str]:
        ids = []
        for call in calls:
            given = dict(word.split("=", 1) for word in call.command[1:4])
            process = FORK.Process(target=self.task, args=(given,))
            process.start()
            self.running[str(process.pid)] = process
            ids.append(str(process.pid))
        return ids

    def task(self, given: dict[str, str]) -> None:
        os.environ |= given
        self.begin(given[coordinator.TASK])
        complete(self.profile, self.work)

    def living(self, ids) -> dict[str, str]:
        return {one: "running" for one in ids if one in self.running and self.running[one].is_alive()}

    def end(self, ids) -> None:
        for one in ids:
            if one in self.running:
                self.running[one].terminate()


def files(folder: Path, n: int = 8) -> list[Path]:
    return [folder / f"{k}.txt" for k in range(n)]


def write(file: Path, part: Path) -> None:
    with (file.parent / "made.log").open("a") as log:
        log.write(f"{file.name}\n")
    time.sleep(0.02)
    part.write_text(file.stem, encoding="utf-8")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    profile = read_profile(ROOT / "params.yaml")
    executor = Executor(kind="local", tasks=3, retries=1, heartbeat=0.2)
    monkeypatch.setattr(fan_out, "read_executor", lambda profile: executor)
    stage = SimpleNamespace(__spec__=SimpleNamespace(name="a.stage"))
    monkeypatch.setitem(sys.modules, "__main__", stage)
    folder = Path("scratch/abcd")
    folder.mkdir(parents=True)
    made = Cluster(Work("a set", folder, files(folder), Path.is_file, lambda: write), profile)
    for name, part in (("SUBMIT", made.submit), ("LIVING", made.living), ("END", made.end)):
        monkeypatch.setattr(coordinator, name, {"local": part})
    yield made
    for process in made.running.values():
        process.kill()


def made_in(folder: Path) -> list[str]:
    return (folder / "made.log").read_text().split()


def test_every_file_is_made_once_by_workers(cluster):
    assert complete(cluster.profile, cluster.work)
    assert [file.read_text() for file in cluster.work.files] == [str(k) for k in range(8)]
    assert sorted(made_in(cluster.work.folder)) == sorted(file.name for file in cluster.work.files)
    left = {path.name for path in cluster.work.folder.iterdir()} - {file.name for file in cluster.work.files}
    assert left == {"made.log"}


def test_what_is_there_is_not_made_again_and_what_is_damaged_is(cluster):
    whole = {"0": "0", "1": "1", "2": "damaged"}
    for name, text in whole.items():
        (cluster.work.folder / f"{name}.txt").write_text(text)
    work = replace(cluster.work, whole=lambda file: file.read_text() == file.stem)
    cluster.work = work
    assert complete(cluster.profile, work)
    assert sorted(made_in(work.folder)) == [f"{k}.txt" for k in range(2, 8)]
    assert (work.folder / "2.txt").read_text() == "2"


def test_the_files_of_a_killed_worker_are_made_by_others(cluster):
    def write_or_die(file: Path, part: Path) -> None:
        if file.stem == "3" and not (file.parent / "died").exists():
            (file.parent / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        write(file, part)

    cluster.work = replace(cluster.work, load=lambda: write_or_die)
    assert complete(cluster.profile, cluster.work)
    assert sorted(made_in(cluster.work.folder)) == [f"{k}.txt" for k in range(8)]


def test_a_task_that_is_ended_gives_its_claims_back(cluster):
    def write_or_end(file: Path, part: Path) -> None:
        if file.stem == "3" and not (file.parent / "ended").exists():
            (file.parent / "ended").touch()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        write(file, part)

    cluster.work = replace(cluster.work, load=lambda: write_or_end)
    begun = time.monotonic()
    assert complete(cluster.profile, cluster.work) and time.monotonic() - begun < 30
    assert sorted(made_in(cluster.work.folder)) == [f"{k}.txt" for k in range(8)]


def test_a_task_that_fails_again_and_again_is_reported_with_its_log(cluster):
    def fail(file: Path, part: Path) -> None:
        raise BadInput("no GPU here")

    cluster.work = replace(cluster.work, load=lambda: fail)
    with pytest.raises(BadInput) as error:
        complete(cluster.profile, cluster.work)
    first, *lines = str(error.value).splitlines()
    assert first == "a set: 8 of 8 not made:" and len(lines) == 3  # one for each place
    assert all(line.startswith("  task ") and "no GPU here" in line and line.endswith("_0_log.err") for line in lines)
    assert len(cluster.running) == 3 * 2  # one retry each


def test_what_no_one_expects_is_a_failure_too_and_the_next_run_begins_anew(cluster):
    def out_of_memory(file: Path, part: Path) -> None:
        raise RuntimeError("CUDA out of memory")

    whole, cluster.work = cluster.work, replace(cluster.work, load=lambda: out_of_memory)
    with pytest.raises(BadInput, match="RuntimeError: CUDA out of memory"):
        complete(cluster.profile, cluster.work)
    cluster.work = whole
    assert complete(cluster.profile, cluster.work)


def test_tasks_that_are_lost_together_are_made_good(cluster):
    """More at once than one place's retries."""

    def die_once(name: str) -> None:
        if name in ("0-0", "1-1", "2-2"):
            os.kill(os.getpid(), signal.SIGKILL)

    cluster.begin = die_once
    assert complete(cluster.profile, cluster.work)


def test_a_place_where_tasks_always_fail_is_given_up_and_the_others_make_all(cluster):
    def no_gpu(name: str) -> None:
        if name.endswith("-1"):
            sys.exit(1)

    cluster.begin = no_gpu
    slow = replace(cluster.work, load=lambda: lambda file, part: (time.sleep(0.4), write(file, part)))
    cluster.work = slow
    assert complete(cluster.profile, cluster.work)
    assert sorted(made_in(cluster.work.folder)) == sorted(file.name for file in cluster.work.files)


def test_a_machine_that_rounds_otherwise_is_refused(cluster):
    (cluster.work.folder / MACHINE).write_text("a CPU with NEON", encoding="utf-8")
    first, *others = cluster.work.files
    first.write_text("made by that machine", encoding="utf-8")
    with pytest.raises(BadInput, match="7 of 8 not made"):
        complete(cluster.profile, cluster.work)
    assert first.exists() and not any(file.exists() for file in others)
    with pytest.raises(BadInput, match="7 of 8 not made"):
        complete(cluster.profile, cluster.work)
    first.unlink()  # where nothing was begun, any machine may begin
    with pytest.raises(BadInput, match="8 of 8 not made"):
        complete(cluster.profile, cluster.work)
    assert complete(cluster.profile, cluster.work)


def test_values_that_are_not_finite_end_the_set_as_in_one_process(cluster):
    def fail(file: Path, part: Path) -> None:
        raise FloatingPointError("x is not finite")

    cluster.work = replace(cluster.work, load=lambda: fail)
    with pytest.raises(FloatingPointError, match="^x is not finite$"):
        complete(cluster.profile, cluster.work)


def test_a_second_coordinator_finds_the_tasks_of_the_first(cluster):
    """The first is killed once its tasks are started; the second starts none while they work."""
    ready = FORK.Event()
    cluster.begin = lambda name: ready.wait(20)
    first = FORK.Process(target=complete, args=(cluster.profile, cluster.work))
    first.start()
    while not read_tasks(cluster.work.folder).ids:
        time.sleep(0.02)
    first.kill()
    first.join()
    # the first one's children are none of this process
    coordinator.LIVING["local"] = lambda ids: {one: "running" for one in ids if psutil.pid_exists(int(one))}
    ready.set()
    assert complete(cluster.profile, cluster.work) and not cluster.running
    assert sorted(made_in(cluster.work.folder)) == [f"{k}.txt" for k in range(8)]


def test_a_machine_with_other_code_or_packages_is_refused(cluster, monkeypatch):
    monkeypatch.setenv(WORKER, str((cluster.work.folder.parent / "another").absolute()))
    with pytest.raises(BadInput, match="fingerprint abcd, expected another.*torch"):
        complete(cluster.profile, cluster.work)
    monkeypatch.setenv(WORKER, "/elsewhere/abcd")  # another set of the same stage
    assert not complete(cluster.profile, cluster.work) and not any(f.exists() for f in cluster.work.files)
