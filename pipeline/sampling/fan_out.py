"""Files that are made each by itself, where the profile's executor says: here, or by workers that claim them.

A worker is the stage's own command with REPULSION_WORKER in its environment. It comes to the same call, claims what is
missing, one file after the other, and is done when nothing is left to claim: slow machines make fewer files, and a file
of one that dies is free again. The process that started it, the coordinator, waits, starts workers in the place of
those that failed, and goes on when all files are there. It may be killed: workers go on, and the next one finds them.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
import uuid
from functools import partial
from pathlib import Path
from typing import NoReturn

import torch
from tqdm import tqdm

from pipeline.profile.executor import Executor, read_executor
from pipeline.profile.profile import Profile
from pipeline.profile.scratch import WORKER, scratch_folder
from pipeline.profile.stage import seconds_since_start
from pipeline.sampling.claims import Claims, claimed_by_living
from pipeline.sampling.coordinator import MACHINE, TASK, THREADS, Work, coordinate, end_recorded
from pipeline.sampling.tasks import ENDED, read_tasks, write_end
from pipeline.sampling.workers import each_done, torch_threads, workers_and_threads
from repulsion.core.errors import BadInput, one_line

MISSES = 8  # files in a row that others have made, after which a worker lists the folder again
# The scratch folder for work; tasks for the folders of other inputs, which are deleted, are ended.
work_folder = partial(scratch_folder, end=end_recorded)


def complete(profile: Profile, work: Work) -> bool:
    """Make what is missing. A worker that was started for these files makes some of them and ends here; False in one
    that was started for others.

    Raises BadInput where tasks fail more often than the executor retries, with a line and the log of each;
    FloatingPointError where a file's values are not finite; BadInput in a worker whose code, packages or data are not
    the coordinator's."""
    if given := os.environ.get(WORKER):
        if Path(given).parent == work.folder.parent.absolute():
            require_same(Path(given), work.folder)
            require_same_machine(work.folder, profile.device)
            work_off(work, read_executor(profile))
            sys.exit(0)
        return False
    executor = read_executor(profile)
    if read_tasks(work.folder).kind != executor.kind:
        end_recorded(work.folder)
    todo = [file for file in work.files if not (file.exists() and work.whole(file))]
    for file in todo:
        file.unlink(missing_ok=True)  # damaged
    if todo:
        workers, threads = workers_and_threads(profile.device, len(work.files)) if work.forks else (1, 0)
        threads = threads or torch.get_num_threads()
        with tqdm(total=len(work.files), initial=len(work.files) - len(todo), desc=work.title) as bar:
            if executor.kind == "inline":
                with torch_threads(1 if work.forks else threads):
                    make = work.load()
                    for _ in each_done(lambda file: make(file, file), todo, workers, threads):
                        bar.update()
            else:
                coordinate(work, executor, threads, bar)
    for part in ("claims", "workers", "ends"):
        shutil.rmtree(work.folder / part, ignore_errors=True)
    for part in ("tasks.json", MACHINE):
        (work.folder / part).unlink(missing_ok=True)
    return True


def require_same(given: Path, mine: Path) -> None:
    if given.name != mine.name:
        raise BadInput(
            f"this machine would make other files: fingerprint {mine.name}, expected {given.name}, of the machine that "
            f"started this task (torch {torch.__version__} here: code, torch and data must be the same)"
        )


def require_same_machine(folder: Path, device: str) -> None:
    """The first worker notes what computes; others must be alike, as other processors round otherwise. Raises BadInput
    on a machine of another kind."""
    mine = torch.cuda.get_device_name() if device == "cuda" else f"a CPU with {torch.backends.cpu.get_cpu_capability()}"
    note = folder / MACHINE
    own = note.with_name(f".machine-{uuid.uuid4().hex}")
    own.write_text(mine, encoding="utf-8")
    try:
        os.link(own, note)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    if (first := note.read_text(encoding="utf-8")) != mine:
        raise BadInput(f"this machine would round otherwise: it computes by {mine}, expected {first}; see constraint")


def seconds_left(executor: Executor) -> float:
    """Of the task's time. Slurm says when a job ends; its time began before this process did."""
    left = 60 * executor.minutes - seconds_since_start()
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    return min(left, int(end) - time.time()) if end.isdecimal() else left


def work_off(work: Work, executor: Executor) -> None:
    """Claim and make files until none is free, or until so little of the task's time is left that another would not
    end in it."""
    task, until, longest = os.environ[TASK], time.monotonic() + seconds_left(executor), 0.0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    make, reason = None, ""
    try:
        name = f"{task}-{uuid.uuid4().hex[:8]}"  # a task that the cluster starts again is another worker
        with Claims(work.folder, name, executor.heartbeat) as claims, torch_threads(int(os.environ[THREADS])):
            order: list[Path] = []
            while time.monotonic() + longest < until and (file := claimed(work, claims, order)):
                begun = time.monotonic()
                print(f"begins {file.name} {seconds_since_start():.2f} s after the start", flush=True)
                make = make or work.load()
                part = file.with_name(f".{task}-{file.name}")
                try:
                    make(file, part)
                    os.replace(part, file)
                finally:
                    part.unlink(missing_ok=True)
                    claims.release(file.name)
                longest = max(longest, time.monotonic() - begun)
                print(f"made {file.name} in {time.monotonic() - begun:.2f} s", flush=True)
    except SystemExit:
        reason = ENDED
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise
    finally:
        write_end(work.folder, task, reason)


def claimed(work: Work, claims: Claims, order: list[Path]) -> Path | None:
    """A missing file that is now this worker's to make; None where other workers have claimed all that are missing.

    `order` is what this worker goes through, at random, so that a claim takes a few calls to the disk, however many
    files there are; at its end the folder is listed again."""
    while True:
        misses = 0
        while order and misses < MISSES:
            file = order.pop()
            if not file.exists() and claims.take(file.name):
                # made since? NFS remembers that a file was not there until this machine changes the folder
                look = work.folder / f".look-{claims.name}"
                look.touch()
                look.unlink()
                if not file.exists():
                    return file
                claims.release(file.name)
            misses += 1
        order.clear()
        taken = set(os.listdir(work.folder)) | claimed_by_living(work.folder, claims.beat)
        order += [file for file in work.files if file.name not in taken]
        random.shuffle(order)
        if not order:
            return None


def stop(number: int, frame: object) -> NoReturn:
    """The time is over, or the task was ended: claims are given back on the way out."""
    sys.exit(128 + number)
