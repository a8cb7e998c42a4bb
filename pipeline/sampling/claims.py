"""Who makes which file: workers on any machine claim files in a shared folder, and give signs of life.

A claim is a file that names its worker, made by an exclusive link: of two workers one gets it. A worker touches one
file of its own again and again; the claims of one that has not done so for SILENT of its beats are free for others.
Ages are differences of times that the disk gave files, as clocks of machines differ: the server's on NFS, the writing
machine's on Lustre and GPFS.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

SILENT = 6  # beats without a sign of life, after which a worker is taken for dead


class Claims:
    """The claims of one worker; `name` must be its own and may be part of a file's name. A context: signs of life begin
    with it and end with it, and what is still claimed then is free."""

    def __init__(self, folder: Path, name: str, beat: float) -> None:
        self.folder, self.name, self.beat = folder, name, beat
        self.held: set[str] = set()
        self.ended = threading.Event()

    def __enter__(self) -> Claims:
        for part in (self.folder / "claims", self.folder / "workers"):
            part.mkdir(parents=True, exist_ok=True)
        sign_of(self.folder, self.name).touch()
        threading.Thread(target=self.live, daemon=True).start()
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.ended.set()
        for file in list(self.held):
            self.release(file)
        sign_of(self.folder, self.name).unlink(missing_ok=True)

    def live(self) -> None:
        """Signs of life, until the process that started this one is gone: then nobody waits for it."""
        parent = os.getppid()
        while not self.ended.wait(self.beat):
            if os.getppid() != parent:
                os._exit(1)
            try:
                sign_of(self.folder, self.name).touch()
            except FileNotFoundError:  # all is made, and the folder of signs is gone
                return
            except OSError:  # the disk's server is away: it may be there at the next beat
                continue

    def take(self, file: str) -> bool:
        """Whether the file is now this worker's to make: not where a living worker has claimed it."""
        claim, mine = self.folder / "claims" / file, self.folder / "claims" / f".{file}.{self.name}"
        mine.write_text(self.name, encoding="utf-8")
        try:
            if (owner := owner_of(claim)) is not None:
                if alive(self.folder, owner, self.beat):
                    return False
                self.free(claim, owner)
            os.link(mine, claim)  # as a whole, and only where there is none
        except FileExistsError:
            if mine.stat().st_nlink < 2:  # NFS may say so of a link that it made, when its answer was lost
                return False
        finally:
            mine.unlink()
        self.held.add(file)
        return True

    def free(self, claim: Path, owner: str) -> None:
        """Take a dead worker's claim away. Another worker may have done so and claimed the file since: then its claim
        is put back."""
        taken = claim.with_name(f".{claim.name}.{self.name}.freed")
        try:
            os.rename(claim, taken)
        except FileNotFoundError:
            return
        if taken.read_text(encoding="utf-8") != owner:
            try:
                os.link(taken, claim)
            except FileExistsError:
                pass
        taken.unlink()

    def release(self, file: str) -> None:
        """Give a claim back, if it is still this worker's: one that was silent for long may have lost it."""
        self.held.discard(file)
        claim = self.folder / "claims" / file
        if owner_of(claim) == self.name:
            claim.unlink(missing_ok=True)


def sign_of(folder: Path, worker: str) -> Path:
    return folder / "workers" / worker


def owner_of(claim: Path) -> str | None:
    try:
        return claim.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def alive(folder: Path, worker: str, beat: float, now: float | None = None) -> bool:
    """Whether a worker gave a sign of life within SILENT beats of `now` (the disk's own time, if none is given)."""
    try:
        with sign_of(folder, worker).open("rb") as sign:  # opened: of a file that is not, NFS may tell an old time
            last = os.fstat(sign.fileno()).st_mtime
    except FileNotFoundError:
        return False
    return (server_time(folder) if now is None else now) - last <= SILENT * beat


def claimed_by_living(folder: Path, beat: float) -> set[str]:
    """The files that living workers have claimed."""
    claims = folder / "claims"
    names = [name for name in os.listdir(claims) if not name.startswith(".")] if claims.is_dir() else []
    owners = {name: owner_of(claims / name) for name in names}
    now = server_time(folder) if owners else 0.0
    living = {owner for owner in set(owners.values()) if owner and alive(folder, owner, beat, now)}
    return {name for name, owner in owners.items() if owner in living}


def silent_tasks(folder: Path, tasks: Iterable[str], beat: float) -> set[str]:
    """Of these tasks, those that have given signs of life and give none any more; their workers are named TASK-ID."""
    signs = os.listdir(folder / "workers") if (folder / "workers").is_dir() else []
    workers = {task: [sign for sign in signs if sign.startswith(f"{task}-")] for task in tasks}
    now = server_time(folder) if any(workers.values()) else 0.0
    return {t for t, names in workers.items() if names and not any(alive(folder, name, beat, now) for name in names)}


def server_time(folder: Path) -> float:
    """Now, in the time that the disk gives files."""
    clock = folder / "workers" / f".clock-{os.getpid()}-{threading.get_ident()}-{os.uname().nodename}"
    clock.parent.mkdir(parents=True, exist_ok=True)
    clock.touch()
    try:
        return clock.stat().st_mtime
    finally:
        clock.unlink(missing_ok=True)
