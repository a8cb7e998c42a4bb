"""Executors: what they ask submitit for, and processes that are started, looked for and ended."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from submitit.core.utils import CommandFunction

from pipeline.profile.executor import Executor, read_executor, works_here
from pipeline.profile.profile import read_profile
from pipeline.profile.scratch import WORKER
from pipeline.sampling import coordinator, executors, fan_out
from pipeline.sampling.coordinator import Work, tasks_worth
from pipeline.sampling.executors import GPUS, end_local, gpus_of, living_local, living_slurm, submit_local
from pipeline.sampling.tasks import Tasks, write_tasks
from pipeline.stages import sample
from repulsion.core.errors import BadInput

ROOT = Path(__file__).parents[2]
UNTIL_ENDED = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path("ended").touch(), sys.exit(0)))
pathlib.Path("begun").touch()
time.sleep(60)
"""


def wait_for(what, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


# the process is not this one's to wait for
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_local_task_lives_until_it_is_ended_and_may_give_its_claims_back(tmp_path):
    call = CommandFunction(["env", "X=1", sys.executable, "-c", UNTIL_ENDED], cwd=tmp_path)
    (one,) = submit_local(Executor(kind="local"), tmp_path / "logs", "a set", [call])
    wait_for(lambda: (tmp_path / "begun").exists())
    assert living_local([one, "1"]) == {one: "running"}  # process 1 is there, and none of submitit's
    end_local([one, "1"])
    wait_for(lambda: (tmp_path / "ended").exists() and not living_local([one]))


def test_local_tasks_share_the_gpus_that_are_given(monkeypatch):
    two = Executor(kind="local", tasks=2, gpus_per_task=2)
    monkeypatch.setenv(GPUS, "2,3,MIG-a,7")
    assert gpus_of(two, 0) == [f"{GPUS}=2,3"] and gpus_of(two, 1) == [f"{GPUS}=MIG-a,7"]
    monkeypatch.setenv(GPUS, "2,3,4")
    with pytest.raises(BadInput, match="2 tasks of 2 GPUs: expected 4 here, got 3"):
        gpus_of(two, 0)
    assert gpus_of(replace(two, kind="slurm"), 0) == [] == gpus_of(Executor(kind="local", tasks=9), 8)


def test_what_slurm_is_asked_for():
    found = executors.slurm_parameters(
        Executor(kind="slurm", minutes=90, gpus_per_task=1, memory_gb=1.5, constraint="a100")
    )
    assert (
        found["gpus_per_node"] == 1 and "gpus_per_task" not in found
    )  # refused by Slurm 23.11 without a number of tasks
    assert found["mem"] == "1536M" and found["time"] == 90 and found["constraint"] == "a100"
    assert found["additional_parameters"] == {"no_requeue": True}


def test_nothing_is_looked_for_where_nothing_was_started(monkeypatch):
    monkeypatch.setenv("PATH", "")  # no Slurm
    assert living_slurm([]) == {}


@pytest.mark.parametrize(
    "answer,state", [("7_0|RUNNING|None\n", "running"), ("7_0|PENDING|QOSLimit\n", "pending: QOSLimit")]
)
def test_what_slurm_says_of_a_job(tmp_path, monkeypatch, answer, state):
    fake = tmp_path / "squeue"
    fake.write_text(f"#!/bin/sh\nprintf '{answer}'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert living_slurm(["7_0", "7_1"]) == {"7_0": state}
    fake.write_text("#!/bin/sh\necho 'Socket timed out' >&2; exit 1\n")
    assert set(living_slurm(["7_0", "7_1"])) == {"7_0", "7_1"}  # nobody is taken for dead while nobody answers
    fake.write_text("#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1\n")
    assert living_slurm(["7_0"]) == {}


def test_a_process_that_waits_for_tasks_needs_no_device(tmp_path, monkeypatch):
    profile = replace(read_profile(ROOT / "params.yaml"), device="cuda")
    made = []
    monkeypatch.setattr(sample, "make_set", lambda *given: made.append(given))
    monkeypatch.setattr(sample, "works_here", lambda profile: False)
    sample.run(profile, "plain")
    assert made
    monkeypatch.chdir(tmp_path)
    assert works_here(profile)
    Path("executor.yaml").write_text("kind: slurm\ngpus_per_task: 1\n", encoding="utf-8")
    assert not works_here(profile)
    monkeypatch.setenv(WORKER, "x")
    assert works_here(profile)


def test_tasks_for_inputs_of_before_are_ended(tmp_path, monkeypatch):
    ended = []
    monkeypatch.setattr(coordinator, "END", {"local": lambda ids: ended.extend(ids)})
    old = fan_out.work_folder(tmp_path, "before")
    old.mkdir()
    write_tasks(old, Tasks("local", {"0-0": "123"}, 1))
    assert fan_out.work_folder(tmp_path, "before") == old and not ended
    assert fan_out.work_folder(tmp_path, "after") != old and ended == ["123"] and not old.exists()


def test_no_task_is_started_for_little_work():
    work = Work("a set", Path("x"), [Path(f"{k}.txt") for k in range(100)], Path.is_file, lambda: None, passes=600)
    executor = Executor(kind="slurm", tasks=64, minutes_at_least=10, seconds_per_pass=0.1)
    assert tasks_worth(work, executor, 100) == 10  # 100 minutes
    assert tasks_worth(work, executor, 1) == 1
    assert tasks_worth(work, replace(executor, seconds_per_pass=None), 100) == 100
    assert tasks_worth(replace(work, passes=float("nan")), executor, 100) == 100


def test_an_executor_is_validated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    profile = read_profile(ROOT / "params.yaml")
    assert read_executor(profile).kind == "inline"
    Path("executor.yaml").write_text("kind: pbs\n", encoding="utf-8")
    with pytest.raises(BadInput, match="executor.yaml: kind: expected one of inline, local, slurm, got 'pbs'"):
        read_executor(profile)
    Path("executor.yaml").write_text("kind: slurm\ntasks: 4\n", encoding="utf-8")
    assert read_executor(profile).tasks == 4
    with pytest.raises(BadInput, match="gpus_per_task: expected at least 1 for the device cuda, got 0"):
        read_executor(replace(profile, device="cuda"))
