"""Where a profile's work is done: executor.yaml beside its params.yaml, or in this process where there is none.

It is no parameter of any stage: where an image is made changes no byte of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.profile.profile import Profile
from pipeline.profile.scratch import WORKER
from repulsion.core.errors import BadInput
from repulsion.core.settings import Count, NotNegative, Positive, Text, load, settings

FILE = "executor.yaml"


@settings
class Executor:
    """`inline`: in this process, or on a CPU in forked ones. `local`: `tasks` processes on this machine, which share
    the GPUs that it is given. `slurm`: a job array of at most `tasks` tasks.

    A task works for at most `minutes`, and none is started for less than `minutes_at_least` of work, where
    `seconds_per_pass` says how long a latent takes through the denoiser (`make preflight` measures it). After so many
    `retries` in a row in which tasks made nothing, each of the `tasks` at once is not started again. `heartbeat`:
    seconds between two signs of life of a task; one that gives none for six of them is taken for dead. `setup`:
    commands that a task's shell runs first. `constraint`: of nodes, so that all are alike. What is null is left to the
    cluster's defaults.
    """

    kind: Literal["inline", "local", "slurm"]
    tasks: Count = 1
    minutes: Count = 60
    minutes_at_least: NotNegative = 0.0
    seconds_per_pass: Positive | None = None
    retries: Annotated[int, Field(ge=0, le=100)] = 2
    heartbeat: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    gpus_per_task: Annotated[int, Field(ge=0, le=16)] = 0
    cpus_per_task: Count | None = None
    memory_gb: Positive | None = None
    partition: Text | None = None
    account: Text | None = None
    constraint: Text | None = None
    setup: tuple[Text, ...] = ()


INLINE = Executor(kind="inline")


def read_executor(profile: Profile) -> Executor:
    """The profile's executor. Raises BadInput for a device that its tasks would not have."""
    path = Path(profile.here) / FILE
    if not path.is_file():
        return INLINE
    executor = load(Executor, path)
    if executor.kind != "inline" and profile.device == "cuda" and not executor.gpus_per_task:
        raise BadInput(f"{path}: gpus_per_task: expected at least 1 for the device cuda, got 0")
    return executor


def works_here(profile: Profile) -> bool:
    """Whether this process makes things itself. Not where it only waits for tasks: these may be on other machines, and
    have a device that is not here."""
    return WORKER in os.environ or read_executor(profile).kind == "inline"
