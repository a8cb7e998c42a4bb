"""Claims: one worker gets a file, a dead one's are free, a living one's are not."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from pipeline.sampling.claims import SILENT, Claims, alive, claimed_by_living, sign_of, silent_tasks

BEAT = 0.2


def silence(folder: Path, worker: str, seconds: float) -> None:
    """As if a worker had given its last sign of life so long ago."""
    then = time.time() - seconds
    sign_of(folder, worker).parent.mkdir(parents=True, exist_ok=True)
    sign_of(folder, worker).touch()
    os.utime(sign_of(folder, worker), (then, then))


def leave_claim(folder: Path, file: str, owner: str) -> None:
    (folder / "claims").mkdir(parents=True, exist_ok=True)
    (folder / "claims" / file).write_text(owner)


def test_a_file_is_claimed_once_until_it_is_released(tmp_path):
    with Claims(tmp_path, "0-0-a", BEAT) as one, Claims(tmp_path, "1-1-b", BEAT) as other:
        assert one.take("x.zip") and not other.take("x.zip")
        assert claimed_by_living(tmp_path, BEAT) == {"x.zip"}
        one.release("x.zip")
        assert other.take("x.zip")
    assert not list((tmp_path / "claims").iterdir()) and not list((tmp_path / "workers").iterdir())


def test_a_worker_s_claims_are_free_once_it_is_silent(tmp_path):
    leave_claim(tmp_path, "x.zip", "0-0-dead")
    silence(tmp_path, "0-0-dead", SILENT * BEAT - 0.1)
    with Claims(tmp_path, "1-1-b", BEAT) as claims:
        assert not claims.take("x.zip") and claimed_by_living(tmp_path, BEAT) == {"x.zip"}
        silence(tmp_path, "0-0-dead", SILENT * BEAT + 0.1)
        assert claimed_by_living(tmp_path, BEAT) == set() and claims.take("x.zip")


def test_a_claim_that_was_taken_over_meanwhile_is_put_back(tmp_path):
    """Two workers see the same dead owner; the slower one finds the claim of the faster one in its hand."""
    with Claims(tmp_path, "1-1-fast", BEAT) as fast, Claims(tmp_path, "2-2-slow", BEAT) as slow:
        assert fast.take("x.zip")
        slow.free(tmp_path / "claims" / "x.zip", "0-0-dead")
        assert (tmp_path / "claims" / "x.zip").read_text() == "1-1-fast" and not slow.take("x.zip")


def test_a_worker_that_lost_its_claim_does_not_give_it_back(tmp_path):
    with Claims(tmp_path, "0-0-slow", BEAT) as slow:
        assert slow.take("x.zip")
        (tmp_path / "claims" / "x.zip").write_text("1-1-fast")  # taken over while it was silent
        slow.release("x.zip")
    assert (tmp_path / "claims" / "x.zip").read_text() == "1-1-fast"


def test_a_link_that_was_made_though_the_server_denied_it_is_a_claim(tmp_path, monkeypatch):
    link = os.link

    def answer_lost(source, target):
        link(source, target)
        raise FileExistsError

    monkeypatch.setattr(os, "link", answer_lost)
    with Claims(tmp_path, "0-0-a", BEAT) as claims:
        assert claims.take("x.zip")


def race(folder: Path, name: str, begin, won) -> None:
    with Claims(folder, name, BEAT) as claims:
        begin.wait()
        for k in range(40):
            if claims.take(f"{k}.zip"):
                won.put(k)
        begin.wait()  # what is still claimed at the end is free


def test_of_workers_that_race_one_gets_each_file(tmp_path):
    """Half of the files have a claim of a dead worker, which all of them want to take over."""
    context = multiprocessing.get_context("fork")
    for k in range(0, 40, 2):
        leave_claim(tmp_path, f"{k}.zip", "9-9-dead")
    begin, won = context.Barrier(4), context.Queue()
    workers = [context.Process(target=race, args=(tmp_path, f"{k}-{k}-a", begin, won)) for k in range(4)]
    for worker in workers:
        worker.start()
    found = sorted(won.get(timeout=30) for _ in range(40))
    for worker in workers:
        worker.join()
    assert found == list(range(40)) and won.empty()


def test_signs_of_life_are_of_a_task_s_present_worker(tmp_path):
    assert not silent_tasks(tmp_path, ["3-0"], BEAT)  # it has not begun
    silence(tmp_path, "3-0-first", SILENT * BEAT + 1)
    assert silent_tasks(tmp_path, ["3-0", "3-01", "4-0"], BEAT) == {"3-0"}
    with Claims(tmp_path, "3-0-again", BEAT):  # the cluster started it anew
        assert not silent_tasks(tmp_path, ["3-0"], BEAT)


def test_a_worker_gives_signs_of_life_as_long_as_it_works(tmp_path):
    with Claims(tmp_path, "0-0-a", 0.05):
        time.sleep(SILENT * 0.05 + 0.3)
        assert alive(tmp_path, "0-0-a", 0.05)
    assert not alive(tmp_path, "0-0-a", 0.05)


@pytest.mark.parametrize("worker", ["0-0-none"])
def test_a_worker_that_never_was_is_not_alive(tmp_path, worker):
    assert not alive(tmp_path, worker, BEAT)
