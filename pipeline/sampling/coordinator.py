"""The process that waits for tasks to make files: it starts them, and others in the place of those that failed."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from submitit.core.utils import CommandFunction
from tqdm import tqdm

from pipeline.profile.executor import Executor
from pipeline.profile.scratch import WORKER
from pipeline.sampling.claims import claimed_by_living, is_silent
from pipeline.sampling.tasks import END, LIVING, SUBMIT, Tasks, failure_of, log_of, read_tasks, write_tasks
from repulsion.core.errors import BadInput

THREADS, TASK = "REPULSION_THREADS", "REPULSION_TASK"  # of a task's environment
Make = Callable[[Path, Path], None]  # makes the file of the first name, and writes it to the second


@dataclass(frozen=True)
class Work:
    """Files to make in `folder`, which is named for all that they depend on. `whole` says of one that is there whether
    it is as it was written; load() gives what makes one, and is not called where nothing is left. `passes`: latents
    through the denoiser for one file; nan where they are not counted. `forks`: files may be made in forked processes
    here."""

    title: str
    folder: Path
    files: list[Path]
    whole: Callable[[Path], bool]
    load: Callable[[], Make]
    passes: float = math.nan
    forks: bool = False


def coordinate(work: Work, executor: Executor, threads: int, bar: tqdm) -> None:
    logs = work.folder / "logs"
    tasks = read_tasks(work.folder)
    if tasks.kind != executor.kind:
        tasks = Tasks(executor.kind, {}, 0)
    failures: list[str] = []
    kept = unfinished(work)
    seen = present(work, set())
    pause, shown = 0.2, -1
    while True:
        new = present(work, seen)
        for file in list(new):
            if not work.whole(file):
                file.unlink()
                new.discard(file)
        seen |= new
        bar.update(len(new))
        if new:
            failures.clear()  # what fails now and then is not what cannot be done
        missing = len(work.files) - len(seen)
        if not missing:
            END[executor.kind](LIVING[executor.kind](tasks.ids.values()))
            return
        living = LIVING[executor.kind](tasks.ids.values())
        silent = {name for name in tasks.ids if is_silent(work.folder, name, executor.heartbeat)}
        END[executor.kind](tasks.ids[name] for name in silent)
        for name in [name for name, one in tasks.ids.items() if one not in living or name in silent]:
            log = log_of(logs, tasks.ids[name])
            if reason := failure_of(work.folder, name, log):
                if reason.startswith("FloatingPointError: "):
                    END[executor.kind](living)
                    raise FloatingPointError(reason.removeprefix("FloatingPointError: "))
                if kept != (kept := unfinished(work)):
                    failures.clear()
                failures.append(f"task {tasks.ids[name]}: {reason}; {log}")
            tasks.ids.pop(name)
        if len(failures) > executor.retries:
            END[executor.kind](living)
            raise BadInput(f"{work.title}: {missing} of {len(work.files)} not made; " + "\n  ".join(["", *failures]))
        free = missing - len(claimed_by_living(work.folder, executor.heartbeat))
        wanted = min(free, min(executor.tasks, tasks_worth(work, executor, missing)) - len(tasks.ids))
        if wanted > 0:
            submit(work, executor, threads, tasks, wanted, logs)
        if len(tasks.ids) != shown:
            shown = len(tasks.ids)
            bar.set_postfix(tasks=shown)
        time.sleep(pause)
        pause = min(pause * 1.2, 1.0 if executor.kind == "local" else 5.0)


def present(work: Work, seen: set[Path]) -> set[Path]:
    """The files that are there, but for those that were seen: by one listing of the folder."""
    there = set(os.listdir(work.folder)) if work.folder.is_dir() else set()
    return {file for file in work.files if file.name in there and file not in seen}


def unfinished(work: Work) -> frozenset[tuple[str, int]]:
    """What is kept of files that are not finished: it changes while a task gets on with a long one."""
    parts = (part for file in work.files for part in file.with_suffix("").glob("*"))
    return frozenset((str(part), part.stat().st_mtime_ns) for part in parts)


def tasks_worth(work: Work, executor: Executor, missing: int) -> int:
    """How many tasks have at least the executor's least minutes of work; one a file where the time is not known."""
    if math.isnan(work.passes) or not executor.minutes_at_least or not executor.seconds_per_pass:
        return missing
    return max(1, int(missing * work.passes * executor.seconds_per_pass / (60 * executor.minutes_at_least)))


def submit(work: Work, executor: Executor, threads: int, tasks: Tasks, n: int, logs: Path) -> None:
    """Start n tasks, and record them before anything else can happen to this process."""
    places = [place for place in range(executor.tasks) if place not in tasks.places()][:n]
    names = [f"{tasks.started + k}-{place}" for k, place in enumerate(places)]
    spec = sys.modules["__main__"].__spec__
    stage = [sys.executable, "-m", spec.name, *sys.argv[1:]]
    calls = [
        CommandFunction(
            ["env", f"{WORKER}={work.folder.absolute()}", f"{TASK}={name}", f"{THREADS}={threads}", *stage],
            cwd=Path.cwd(),
        )
        for name in names
    ]
    ids = SUBMIT[executor.kind](executor, logs, work.title, calls, places)
    tasks.ids.update(zip(names, ids, strict=True))
    tasks.started += len(names)
    write_tasks(work.folder, tasks)
