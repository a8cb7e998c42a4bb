"""Particle sets side by side on a CPU: as many processes as cores, which share the loaded model.

One set keeps several cores busy only in part, as its matrices are small and forces, noise and PNGs are work for one
core. What is made beside a set changes nothing in it. The number of its threads does, in the last bits and only where
fewer than about 24 latents go through the UNet at once: it follows from the machine's cores and the number of sets of a
stage, so that a set that is redone alone gets as many.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

import torch

from repulsion.core.errors import BadInput

VARIABLE = "REPULSION_WORKERS"  # of the environment: processes at most
Item = TypeVar("Item")


def cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def workers_and_threads(device: str, sets: int) -> tuple[int, int]:
    """In how many processes so many sets are made here, and by how many threads each.

    In one process on a GPU, which that keeps busy, and where the system is not Linux: a process with a loaded model
    cannot be forked safely there. Raises BadInput for a limit in the environment that is no number.
    """
    given = os.environ.get(VARIABLE, str(cores()))
    if not given.isdecimal() or int(given) < 1:
        raise BadInput(f"{VARIABLE}: expected a number of processes, at least 1, got {given!r}")
    forks = device == "cpu" and sys.platform == "linux"
    workers = min(cores(), int(given), sets) if forks else 1
    return workers, cores() // workers


@contextmanager
def torch_threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def each_done(work: Callable[[Item], None], items: list[Item], workers: int, threads: int = 1) -> Iterator[Item]:
    """Do work(item) for each item by so many threads, and yield it when that is done: one after the other, or in forked
    processes in any order. An error ends all of it and is raised here; so is a process that was killed, as BadInput.

    Before it forks workers of several threads, this process may have used one alone: a child inherits the pool of
    threads that its parent has used, and not the threads, and would wait for them for ever.
    """
    if workers == 1:
        for item in items:
            with torch_threads(threads):
                work(item)
            yield item
        return
    context, others = multiprocessing.get_context("fork"), multiprocessing.active_children()
    with ProcessPoolExecutor(min(workers, len(items)), context, start_worker, (work, threads)) as pool:
        futures = {pool.submit(call, item): item for item in items}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BrokenProcessPool:
            raise BadInput(
                f"a sampling process was killed, perhaps for want of memory; {VARIABLE}=1 takes the least"
            ) from None
        finally:
            unfinished = not all(future.done() for future in futures)
            pool.shutdown(wait=not unfinished, cancel_futures=True)
            if unfinished:  # a set may take minutes
                mine = [process for process in multiprocessing.active_children() if process not in others]
                for process in mine:
                    process.terminate()
                for process in mine:
                    while process.is_alive():  # until that is known here: the pool's thread may learn of its end first
                        process.join(0.1)


the_work: Callable[..., None]  # in a worker, what it was forked for: a function that need not be pickled


def start_worker(work: Callable[..., None], threads: int) -> None:
    global the_work
    the_work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    torch.set_num_threads(threads)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """A worker whose parent is killed would wait for its next item for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def call(item: object) -> None:
    the_work(item)
