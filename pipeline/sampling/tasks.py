"""What is noted of tasks, in the folder of what they make: ids, how they ended, and logs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from repulsion.core.files import new_file

LOST = "ended without a reason: killed, its machine lost, or its setup failed"
ENDED = "ended, as by the cluster when its time was over"


@dataclass
class Tasks:
    """Ids that the executor of this kind gave tasks, by their names N-PLACE; `started`: how many there ever were, so
    that no name is used twice."""

    kind: str
    ids: dict[str, str] = field(default_factory=dict)
    started: int = 0

    def places(self) -> set[int]:
        return {place_of(name) for name in self.ids}


def place_of(name: str) -> int:
    return int(name.split("-")[1])


def read_tasks(folder: Path) -> Tasks:
    """Those that an earlier coordinator started; none where there was none."""
    try:
        return Tasks(**json.loads((folder / "tasks.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Tasks("inline")


def write_tasks(folder: Path, tasks: Tasks) -> None:
    with new_file(folder / "tasks.json") as part:
        part.write_text(json.dumps(asdict(tasks)) + "\n", encoding="utf-8")


def write_end(folder: Path, name: str, reason: str) -> None:
    """How a task ended; `reason` is empty where it did what it was to do."""
    with new_file(folder / "ends" / name) as part:
        part.write_text(reason, encoding="utf-8")


def log_of(logs: Path, task: str) -> Path:
    return logs / f"{task}_0_log.err"


def lines_of(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []


def failure_of(folder: Path, name: str, log: Path) -> str:
    """Why a task that has ended failed; empty where it did not. One that wrote nothing down before it began to work, as
    it was refused on its machine, has said so in its log."""
    try:
        return (folder / "ends" / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return next((line for line in reversed(lines_of(log)) if line.startswith("error: ")), LOST)


def has_made(log: Path) -> bool:
    """Whether a task has made a file."""
    return any(line.startswith("made ") for line in lines_of(log.with_suffix(".out")))
