"""Sets made side by side in forked processes: the same sets, and every way in which one of the processes ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from end_to_end import ROOT

from pipeline.sampling import workers
from pipeline.sampling.workers import VARIABLE, each_done, torch_threads, workers_and_threads
from repulsion.core.errors import BadInput


def written(folder: Path):
    """Work that leaves a file, with the process that did it, its threads, and a sum that a forked pool could not take."""

    def work(item: int) -> None:
        total = (torch.ones(400, 400) @ torch.ones(400, 400)).sum().item()
        (folder / f"{item}.txt").write_text(f"{os.getpid()} {torch.get_num_threads()} {total:.0f}", encoding="utf-8")

    return work


def test_every_item_is_done_once_by_single_threads(tmp_path):
    torch.ones(400, 400) @ torch.ones(400, 400)  # this process has used its threads
    assert sorted(each_done(written(tmp_path), list(range(8)), 2)) == list(range(8))
    found = [path.read_text(encoding="utf-8").split() for path in tmp_path.iterdir()]
    assert len(found) == 8 and {row[1] for row in found} == {"1"} and {row[2] for row in found} == {"64000000"}
    assert 1 <= len({row[0] for row in found}) <= 2 and str(os.getpid()) not in {row[0] for row in found}


def test_one_worker_is_this_process_and_keeps_the_order(tmp_path):
    assert list(each_done(written(tmp_path), [3, 1, 2], 1, 2)) == [3, 1, 2]
    assert {path.read_text(encoding="utf-8").split()[1] for path in tmp_path.iterdir()} == {"2"}
    assert {path.read_text(encoding="utf-8").split()[0] for path in tmp_path.iterdir()} == {str(os.getpid())}


@pytest.mark.parametrize("error", [BadInput("a text that is too long"), FloatingPointError("plain: not finite")])
def test_an_error_is_raised_here_and_ends_the_others(tmp_path, error):
    def work(item: int) -> None:
        if item == 0:
            raise error
        time.sleep(60)

    start = time.monotonic()
    with pytest.raises(type(error), match=str(error)):
        list(each_done(work, [1, 0, 2, 3], 2))
    assert time.monotonic() - start < 30 and not workers.multiprocessing.active_children()


def test_a_worker_that_is_killed_is_one_line():
    def work(item: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(
        BadInput, match="a sampling process was killed, perhaps for want of memory; REPULSION_WORKERS=1"
    ):
        list(each_done(work, [0, 1, 2], 2))


ORPHANS = """
import os, sys, time
from pathlib import Path
from pipeline.sampling.workers import each_done

def work(item):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(60)

list(each_done(work, [0, 1, 2], 2))
"""


def running(pid: str) -> bool:
    stat = Path("/proc", pid, "stat")
    return stat.is_file() and stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", ORPHANS, str(tmp_path)], cwd=ROOT)
    until = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    pids = [path.name for path in tmp_path.iterdir()]
    while any(map(running, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    assert len(pids) == 2 and not any(map(running, pids))


def test_how_many(monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 8)
    monkeypatch.delenv(VARIABLE)
    assert workers_and_threads("cpu", 24) == (8, 1) and workers_and_threads("cpu", 3) == (3, 2)
    assert workers_and_threads("cpu", 1) == workers_and_threads("cuda", 24) == (1, 8)
    monkeypatch.setenv(VARIABLE, "3")
    assert workers_and_threads("cpu", 24) == (3, 2) and workers_and_threads("cuda", 24) == (1, 8)
    for value in ("0", "-1", "two", ""):
        monkeypatch.setenv(VARIABLE, value)
        message = f"REPULSION_WORKERS: expected a number of processes, at least 1, got '{value}'"
        with pytest.raises(BadInput, match=message):
            workers_and_threads("cpu", 24)


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
