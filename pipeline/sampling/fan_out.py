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
from pathlib import Path
from typing import NoReturn

import torch
from tqdm import tqdm

from pipeline.profile.executor import Executor, read_executor
from pipeline.profile.profile import Profile
from pipeline.profile.scratch import WORKER
from pipeline.sampling.claims import Claims, claimed_by_living
from pipeline.sampling.coordinator import TASK, THREADS, Work, coordinate
from pipeline.sampling.tasks import write_end
from pipeline.sampling.workers import each_done, torch_threads, workers_and_threads
from repulsion.core.errors import BadInput, one_line


def complete(profile: Profile, work: Work) -> bool:
    """Make what is missing. A worker that was started for these files makes some of them and ends here; False in one
    that was started for others.

    Raises BadInput where tasks fail more often than the executor retries, with a line and the log of each;
    FloatingPointError where a file's values are not finite; BadInput in a worker whose code, packages or data are not
    the coordinator's."""
    if given := os.environ.get(WORKER):
        if Path(given).parent == work.folder.parent.absolute():
            require_same(Path(given), work.folder)
            work_off(work, read_executor(profile))
            sys.exit(0)
        return False
    executor = read_executor(profile)
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
    (work.folder / "tasks.json").unlink(missing_ok=True)
    return True


def require_same(given: Path, mine: Path) -> None:
    if given.name != mine.name:
        raise BadInput(
            f"this machine would make other files: fingerprint {mine.name}, expected {given.name}, of the machine that "
            f"started this task (torch {torch.__version__} here: code, torch and data must be the same)"
        )


def work_off(work: Work, executor: Executor) -> None:
    """Claim and make files until none is free, or until so little of the task's time is left that another would not
    end in it."""
    task, until, longest = os.environ[TASK], time.monotonic() + 60 * executor.minutes, 0.0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    make, reason = None, ""
    try:
        name = f"{task}-{uuid.uuid4().hex[:8]}"  # a task that the cluster starts again is another worker
        with Claims(work.folder, name, executor.heartbeat) as claims, torch_threads(int(os.environ[THREADS])):
            order: list[Path] = []
            while time.monotonic() + longest < until and (file := claimed(work, claims, order)):
                begun = time.monotonic()
                print(f"begins {file.name}", flush=True)
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
        reason = "ended, as by the cluster when its time was over"
        raise
    except (BadInput, FloatingPointError, OSError) as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise
    finally:
        write_end(work.folder, task, reason)


def claimed(work: Work, claims: Claims, order: list[Path]) -> Path | None:
    """A missing file that is now this worker's to make; None where other workers have claimed all that are missing.

    `order` is what this worker goes through, at random, so that a claim takes a few calls to the disk, however many
    files there are; at its end the folder is listed again."""
    while True:
        while order:
            file = order.pop()
            if not file.exists() and claims.take(file.name):
                if not file.exists():  # it may have been made since
                    return file
                claims.release(file.name)
        taken = set(os.listdir(work.folder)) | claimed_by_living(work.folder, claims.beat)
        order += [file for file in work.files if file.name not in taken]
        random.shuffle(order)
        if not order:
            return None


def stop(number: int, frame: object) -> NoReturn:
    """The time is over, or the task was ended: claims are given back on the way out."""
    sys.exit(128 + number)
