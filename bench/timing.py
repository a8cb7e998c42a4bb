"""Rates and ratios measured in one run, and the peak memory of a process."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from repulsion.core.errors import BadInput

REPEATS = 5
CORES = 2  # what the bars are stated for


def use_two_cores() -> None:
    """Bind this process to two cores, so that larger machines compare. Raises BadInput where there is one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < CORES:
        raise BadInput(f"bench: expected at least {CORES} cores, got {len(cores)}")
    os.sched_setaffinity(0, cores[:CORES])
    torch.set_num_threads(CORES)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(works: dict[str, Callable[[], object]], repeats: int = REPEATS) -> dict[str, list[float]]:
    """Seconds of each work, `repeats` times in turn after one uncounted round, so that drift hits all of them alike."""
    for work in works.values():
        work()
    rounds = [{name: seconds(work) for name, work in works.items()} for _ in range(repeats)]
    return {name: [r[name] for r in rounds] for name in works}


def median_ratio(times: dict[str, list[float]], name: str, against: str) -> float:
    """Median over rounds of the time of `name` divided by the time of `against` in the same round."""
    return statistics.median(a / b for a, b in zip(times[name], times[against], strict=True))


def peak_memory_gib() -> float:
    """Largest resident set of this process so far. Not getrusage's: that one starts from the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 2**20


def row(what: str, value: float, sign: str, bar: float) -> dict[str, Any]:
    holds = value >= bar if sign == ">=" else value <= bar
    return {"what": what, "value": round(value, 4), "bar": f"{sign} {bar:g}", "holds": holds}


def machine() -> str:
    return f"{platform.machine()}, {CORES} of {os.cpu_count()} cores, torch {torch.__version__}"


def report(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows with machine and date, and print them as a table."""
    path.parent.mkdir(exist_ok=True)
    found = {"date": datetime.date.today().isoformat(), "machine": machine(), "repeats": REPEATS, "rows": rows}
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for r in rows:
        print(f"{r['value']:>12.4g}  {r['bar']:<9} {'holds' if r['holds'] else 'FAILS'}  {r['what']}")
