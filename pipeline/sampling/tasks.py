"""Tasks on this machine or on a Slurm cluster, by submitit: started, looked for, ended; and what is noted of them.

A task is the command of the stage that starts it, as a worker (pipeline.sampling.fan_out). submitit keeps the command
in a pickle that this process writes into the scratch folder and that the task alone reads; nothing else is unpickled.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from submitit import LocalExecutor, SlurmExecutor
from submitit.core.utils import CommandFunction, FailedSubmissionError

from pipeline.profile.executor import Executor
from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file

LOST = "killed, or its machine was lost"
Submit = Callable[[Executor, Path, str, list[CommandFunction], list[int]], list[str]]


def submit_local(
    executor: Executor, logs: Path, name: str, calls: list[CommandFunction], places: list[int]
) -> list[str]:
    """Processes that outlive this one. Task k of a GPU profile sees the GPUs from k * gpus_per_task on."""
    ids, gpus = [], executor.gpus_per_task
    for call, place in zip(calls, places, strict=True):
        local = LocalExecutor(logs)
        seen = tuple(range(place * gpus, (place + 1) * gpus))
        local.update_parameters(timeout_min=executor.minutes, gpus_per_node=gpus, visible_gpus=seen)
        ids.append(local.submit(call).job_id)
    return ids


def submit_slurm(
    executor: Executor, logs: Path, name: str, calls: list[CommandFunction], places: list[int]
) -> list[str]:
    """One job array. Slurm says with SIGTERM that a task's time is over."""
    try:
        slurm = SlurmExecutor(logs)
        slurm.update_parameters(job_name=name, **slurm_parameters(executor))
        with slurm.batch():
            jobs = [slurm.submit(call) for call in calls]
        return [job.job_id for job in jobs]
    except (FailedSubmissionError, RuntimeError, OSError) as error:
        raise BadInput(f"executor: Slurm took no task: {one_line(error)}") from None


def slurm_parameters(executor: Executor) -> dict[str, Any]:
    given: dict[str, Any] = {
        "time": executor.minutes,
        "array_parallelism": executor.tasks,
        "partition": executor.partition,
        "account": executor.account,
        "cpus_per_task": executor.cpus_per_task,
        "mem": f"{executor.memory_gb:g}GB" if executor.memory_gb else None,
        "gpus_per_task": executor.gpus_per_task or None,
        "setup": list(executor.setup) or None,
        "use_srun": False,  # one process on one node: a step would be a second thing that can fail
    }
    return {name: value for name, value in given.items() if value is not None}


def living_local(ids: Iterable[str]) -> set[str]:
    """Ids of processes: those that are there and are no zombies."""
    return {one for one in ids if is_running(int(one))}


def is_running(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):  # a child that has ended
            return False
    except ChildProcessError:
        pass  # of another coordinator
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def living_slurm(ids: Iterable[str]) -> set[str]:
    """Those that Slurm lists as pending, running or ending. All of them while its controller does not answer."""
    wanted = set(ids)
    arrays = sorted({one.split("_")[0] for one in wanted})
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={','.join(arrays)}"]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        return set() if "Invalid job id" in found.stderr else wanted
    return wanted & set(found.stdout.split())


def end_local(ids: Iterable[str]) -> None:
    for one in living_local(ids):
        os.kill(int(one), 15)


def end_slurm(ids: Iterable[str]) -> None:
    if wanted := sorted(ids):
        subprocess.run(["scancel", *wanted], capture_output=True)


SUBMIT: Mapping[str, Submit] = {"local": submit_local, "slurm": submit_slurm}
LIVING: Mapping[str, Callable[[Iterable[str]], set[str]]] = {"local": living_local, "slurm": living_slurm}
END: Mapping[str, Callable[[Iterable[str]], None]] = {"local": end_local, "slurm": end_slurm}


def log_of(logs: Path, task: str) -> Path:
    return logs / f"{task}_0_log.err"


@dataclass
class Tasks:
    """Ids that the executor of this kind gave tasks, by their names N-PLACE; `started`: how many there ever were."""

    kind: str
    ids: dict[str, str] = field(default_factory=dict)
    started: int = 0

    def places(self) -> set[int]:
        return {int(name.split("-")[1]) for name in self.ids}


def read_tasks(folder: Path) -> Tasks:
    """Those that an earlier coordinator started; none where there was none."""
    try:
        return Tasks(**json.loads((folder / "tasks.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Tasks("inline")


def write_tasks(folder: Path, tasks: Tasks) -> None:
    with new_file(folder / "tasks.json") as part:
        part.write_text(json.dumps(asdict(tasks)) + "\n", encoding="utf-8")


def write_end(folder: Path, name: str, reason: str) -> None:
    """How a task ended; `reason` is empty where it did what it was to do."""
    with new_file(folder / "ends" / name) as part:
        part.write_text(reason, encoding="utf-8")


def failure_of(folder: Path, name: str, log: Path) -> str:
    """Why a task that has ended failed; empty where it did not. One that wrote nothing down before it began to work, as
    it was refused on its machine, has said so in its log."""
    try:
        return (folder / "ends" / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
        return next((line for line in reversed(lines) if line.startswith("error: ")), LOST)
