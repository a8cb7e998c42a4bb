"""Tasks on this machine or on a Slurm cluster, by submitit: started, looked for, ended.

A task is the command of the stage that starts it, as a worker (pipeline.sampling.fan_out). submitit keeps the command
in a pickle that this process writes into the scratch folder and that the task alone reads; nothing else is unpickled.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil
import torch
from submitit import LocalExecutor, SlurmExecutor
from submitit.core.utils import CommandFunction, FailedSubmissionError

from pipeline.profile.executor import Executor
from repulsion.core.errors import BadInput, one_line

GPUS = "CUDA_VISIBLE_DEVICES"
YEAR = 365 * 24 * 60  # minutes
Submit = Callable[[Executor, Path, str, list[CommandFunction]], list[str]]


def gpus_of(executor: Executor, place: int) -> list[str]:
    """What the environment of a local task says of its GPUs: its share of those that this process sees. Raises BadInput
    where there are too few. Slurm deals GPUs itself."""
    n = executor.gpus_per_task
    if executor.kind != "local" or not n:
        return []
    given = os.environ.get(GPUS)
    here = [str(k) for k in range(torch.cuda.device_count())] if given is None else [g for g in given.split(",") if g]
    if len(here) < executor.tasks * n:
        raise BadInput(
            f"executor: {executor.tasks} tasks of {n} GPUs: expected {executor.tasks * n} here, got {len(here)}"
        )
    return [f"{GPUS}={','.join(here[place * n : (place + 1) * n])}"]


def submit_local(executor: Executor, logs: Path, name: str, calls: list[CommandFunction]) -> list[str]:
    """Processes that outlive this one's death. submitit would kill them at its limit: they end by themselves."""
    local = LocalExecutor(logs)
    local.update_parameters(timeout_min=YEAR)
    return [local.submit(call).job_id for call in calls]


def submit_slurm(executor: Executor, logs: Path, name: str, calls: list[CommandFunction]) -> list[str]:
    """One job array. Its main process is Python and not the shell, which would die of the first signal and leave the
    worker no time to give its claims back."""
    try:
        slurm = SlurmExecutor(logs, python=f"exec {shlex.quote(sys.executable)}")
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
        "constraint": executor.constraint,
        "cpus_per_task": executor.cpus_per_task,
        "mem": f"{round(1024 * executor.memory_gb)}M" if executor.memory_gb else None,
        "gpus_per_node": executor.gpus_per_task or None,  # one task on one node: newer Slurms ask what a task is
        "setup": list(executor.setup) or None,
        "use_srun": False,  # one process on one node: a step would be a second thing that can fail
        "additional_parameters": {"no_requeue": True},  # the coordinator starts others in the place of what was lost
    }
    return {name: value for name, value in given.items() if value is not None}


def process_of(one: str) -> psutil.Process | None:
    """The process that submitit started under this number, if it is there: numbers are used again."""
    try:
        found = psutil.Process(int(one))
        running = found.status() != psutil.STATUS_ZOMBIE and "submitit" in " ".join(found.cmdline())
        return found if running else None
    except psutil.Error:
        return None


def living_local(ids: Iterable[str]) -> dict[str, str]:
    return {one: "running" for one in ids if process_of(one)}


def end_local(ids: Iterable[str]) -> None:
    """The workers themselves: submitit's processes keep signals from them."""
    for one in ids:
        found = process_of(one)
        for child in found.children(recursive=True) if found else ():
            try:
                child.terminate()
            except psutil.NoSuchProcess:
                pass


def living_slurm(ids: Iterable[str]) -> dict[str, str]:
    """Of those that Slurm lists, what it says of them. All of them while its controller does not answer."""
    wanted = set(ids)
    if not wanted:
        return {}
    arrays = sorted({one.split("_")[0] for one in wanted})
    found = squeue("--array", f"--jobs={','.join(arrays)}")
    if found is None:
        return {one: "not known" for one in wanted}
    return {one: state for one, state in found.items() if one in wanted}


def squeue(*words: str) -> dict[str, str] | None:
    """Jobs and what Slurm says of them; none where it knows of no such job, None where it does not answer."""
    command = ["squeue", "--noheader", "--format=%i|%T|%r", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {} if "Invalid job id" in done.stderr else None
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return {one: f"pending: {reason}" if state == "PENDING" else state.lower() for one, state, reason in rows}


def end_slurm(ids: Iterable[str]) -> None:
    if wanted := sorted(ids):
        subprocess.run(["scancel", *wanted], capture_output=True)


def strays_slurm(name: str, known: Iterable[str]) -> list[str]:
    """Jobs of this name that no record has: their coordinator was killed before it wrote them down."""
    return sorted(set(squeue("--array", "--me", f"--name={name}") or ()) - set(known))


SUBMIT: Mapping[str, Submit] = {"local": submit_local, "slurm": submit_slurm}
LIVING: Mapping[str, Callable[[Iterable[str]], dict[str, str]]] = {"local": living_local, "slurm": living_slurm}
END: Mapping[str, Callable[[Iterable[str]], None]] = {"local": end_local, "slurm": end_slurm}
STRAYS: Mapping[str, Callable[[str, Iterable[str]], list[str]]] = {"slurm": strays_slurm}
