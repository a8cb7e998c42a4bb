"""The process that waits for tasks to make files: it starts them, and others in the place of those that failed."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from submitit.core.utils import CommandFunction
from tqdm import tqdm

from pipeline.profile.executor import Executor
from pipeline.profile.scratch import WORKER
from pipeline.sampling.claims import claimed_by_living, silent_tasks
from pipeline.sampling.executors import END, LIVING, STRAYS, SUBMIT, gpus_of
from pipeline.sampling.tasks import (
    ENDED,
    LOST,
    Tasks,
    failure_of,
    has_made,
    log_of,
    place_of,
    read_tasks,
    write_tasks,
)
from repulsion.core.errors import BadInput

THREADS, TASK = "REPULSION_THREADS", "REPULSION_TASK"  # of a task's environment
MACHINE = "machine"  # the file that says of what kind the first worker's machine is
Make = Callable[[Path, Path], None]  # makes the file of the first name, and writes it to the second
Kept = frozenset[tuple[str, int]]


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

    @property
    def name(self) -> str:
        """Of the tasks on a cluster: no other work has it."""
        return f"{self.title.replace(' ', '-')}-{self.folder.name}"


@dataclass
class Place:
    """One of the executor's tasks at once: failures in a row of tasks that made nothing, what the last one said, and
    until when no other is started."""

    failures: int = 0
    said: str = ""
    rests: float = 0.0


def coordinate(work: Work, executor: Executor, threads: int, bar: tqdm) -> None:
    """Returns when all files are there. Raises BadInput when no place is left whose tasks have not failed more often
    than the executor retries; FloatingPointError where a file's values are not finite."""
    tasks = adopt(work, executor)
    begun: dict[str, Kept] = dict.fromkeys(tasks.ids, unfinished(work))  # what was kept when a task began
    places = {place: Place() for place in {*range(executor.tasks), *tasks.places()}}
    seen = present(work, set())
    pause, accepted, shown = 0.2, bool(tasks.ids), ""
    while True:
        new = {file for file in present(work, seen) if work.whole(file) or file.unlink()}  # damaged: made again
        seen |= new
        bar.update(len(new))
        missing = len(work.files) - len(seen)
        living = LIVING[executor.kind](tasks.ids.values())
        if not missing:
            END[executor.kind](living)
            return
        silent = silent_tasks(work.folder, tasks.ids, executor.heartbeat)
        END[executor.kind](tasks.ids[name] for name in silent)
        for name in [name for name, one in tasks.ids.items() if one not in living or name in silent]:
            reason = judge(work, executor, name, tasks.ids.pop(name), begun.pop(name), places[place_of(name)])
            if reason.startswith("FloatingPointError: "):
                give_up(work, executor, tasks)
                raise FloatingPointError(reason.removeprefix("FloatingPointError: "))
        usable = [k for k in range(executor.tasks) if places[k].failures <= executor.retries]
        if not tasks.ids and not usable:
            give_up(work, executor, tasks)
            said = "".join(f"\n  {place.said}" for place in places.values() if place.said)
            raise BadInput(f"{work.title}: {missing} of {len(work.files)} not made:{said}")
        rested = [k for k in usable if k not in tasks.places() and places[k].rests <= time.monotonic()]
        free = missing - len(claimed_by_living(work.folder, executor.heartbeat))
        wanted = min(free, tasks_worth(work, executor, missing) - len(tasks.ids), len(rested))
        if wanted > 0:
            try:
                names = submit(work, executor, threads, tasks, rested[:wanted])
                begun |= dict.fromkeys(names, unfinished(work))
                accepted = True
            except BadInput:  # a cluster that has taken tasks may be away for a while
                if not accepted:
                    raise
        if shown != (shown := ", ".join(f"{n} {state}" for state, n in sorted(Counter(living.values()).items()))):
            bar.set_postfix_str(shown)
        time.sleep(pause)
        pause = min(pause * 1.2, 1.0 if executor.kind == "local" else 5.0)


def adopt(work: Work, executor: Executor) -> Tasks:
    """The tasks that an earlier coordinator started; those that it had no time to write down are ended."""
    tasks = read_tasks(work.folder)
    if tasks.kind != executor.kind:
        tasks = Tasks(executor.kind)
    if strays := STRAYS.get(executor.kind):
        END[executor.kind](strays(work.name, tasks.ids.values()))
    return tasks


def judge(work: Work, executor: Executor, name: str, one: str, begun: Kept, place: Place) -> str:
    """Why a task that has ended failed, noted at its place; empty where it did not.

    A task that has got on is no failure however it ended: it made a file, or was ended while one that takes long
    came further."""
    log = log_of(work.folder / "logs", one)
    reason = failure_of(work.folder, name, log)
    if not reason or has_made(log) or (reason in (LOST, ENDED) and unfinished(work) != begun):
        place.failures = 0
    else:
        place.failures += 1
        place.said = f"task {one}: {reason}; {log}"
        place.rests = time.monotonic() + executor.heartbeat
    return reason


def give_up(work: Work, executor: Executor, tasks: Tasks) -> None:
    """End what is at work, and forget how tasks ended: the next coordinator begins anew, on machines of any kind where
    no file was begun."""
    END[executor.kind](tasks.ids.values())
    write_tasks(work.folder, Tasks(executor.kind, {}, tasks.started))
    if not present(work, set()) and not unfinished(work):
        (work.folder / MACHINE).unlink(missing_ok=True)


def end_recorded(folder: Path) -> None:
    """End the tasks that are recorded for this folder."""
    tasks = read_tasks(folder)
    if tasks.kind in END:
        END[tasks.kind](tasks.ids.values())


def present(work: Work, seen: set[Path]) -> set[Path]:
    """The files that are there, but for those that were seen: by one listing of the folder."""
    there = set(os.listdir(work.folder)) if work.folder.is_dir() else set()
    return {file for file in work.files if file.name in there and file not in seen}


def unfinished(work: Work) -> Kept:
    """What is kept of files that are not finished: it changes while a task gets on with a long one."""
    found = []
    for part in (part for file in work.files for part in file.with_suffix("").glob("*")):
        try:
            found.append((str(part), part.stat().st_mtime_ns))
        except FileNotFoundError:  # just renamed by its worker
            pass
    return frozenset(found)


def tasks_worth(work: Work, executor: Executor, missing: int) -> int:
    """How many tasks have at least the executor's least minutes of work; one a file where the time is not known."""
    if math.isnan(work.passes) or not executor.minutes_at_least or not executor.seconds_per_pass:
        return missing
    return max(1, int(missing * work.passes * executor.seconds_per_pass / (60 * executor.minutes_at_least)))


def submit(work: Work, executor: Executor, threads: int, tasks: Tasks, places: list[int]) -> list[str]:
    """Start a task at each of these places and record it; their names. The names are recorded as used beforehand: tasks
    that this process has no time to write down have names of their own."""
    names = [f"{tasks.started + k}-{place}" for k, place in enumerate(places)]
    tasks.started += len(names)
    write_tasks(work.folder, tasks)
    stage = [sys.executable, "-m", sys.modules["__main__"].__spec__.name, *sys.argv[1:]]
    calls = []
    for name, place in zip(names, places, strict=True):
        given = [f"{WORKER}={work.folder.absolute()}", f"{TASK}={name}", f"{THREADS}={threads}"]
        calls.append(CommandFunction(["env", *given, *gpus_of(executor, place), *stage], cwd=Path.cwd()))
    ids = SUBMIT[executor.kind](executor, work.folder / "logs", work.name, calls)
    tasks.ids.update(zip(names, ids, strict=True))
    write_tasks(work.folder, tasks)
    return names
