"""What fanning out costs: workers that sleep in the place of sampling, and a simulation of many more than fit here.

Writes bench/results/cluster.json: seconds and calls to the disk for one claim; a task's own seconds, from its start to
the first set that it begins and to the first that it has made; efficiency at 1 to 8 workers, the time that a sleeper's
files need over the time of all its workers; and, simulated, 1,000 nodes with 100,000 sets.
"""

from __future__ import annotations

import heapq
import json
import multiprocessing
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.timing import machine
from pipeline.sampling.claims import Claims
from pipeline.sampling.coordinator import Work
from pipeline.sampling.fan_out import claimed

RESULTS = Path(__file__).parent / "results" / "cluster.json"
FORK = multiprocessing.get_context("fork")
WORKERS = (1, 2, 4, 8)
FILES, SLEEP = 64, 0.25  # files of a run, seconds for each
BEGINS, MADE = re.compile(r"begins \S+ ([\d.]+) s after the start"), re.compile(r"made \S+ in ([\d.]+) s")


def sleeper(work: Work, name: str, seconds: float) -> None:
    order: list[Path] = []
    with Claims(work.folder, name, 10.0) as claims:
        while file := claimed(work, claims, order):
            time.sleep(seconds)
            file.touch()
            claims.release(file.name)


def seconds_of(workers: int, files: int, seconds: float) -> float:
    """Of so many workers that make so many files by sleeping."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = Work("sleep", folder, [folder / f"{k}.txt" for k in range(files)], Path.is_file, lambda: None)
        crowd = [FORK.Process(target=sleeper, args=(work, f"{k}-{k}-a", seconds)) for k in range(workers)]
        begun = time.perf_counter()
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        return time.perf_counter() - begun


def calls_of_a_file() -> float:
    """Calls to the disk for one file of one worker: those of Python's posix module, and files opened. Where many
    workers look for the last files each asks for some that others have made, MISSES at most between two listings."""
    found = 0

    def count(frame: object, event: str, called: object) -> None:
        nonlocal found
        name, module = getattr(called, "__name__", ""), getattr(called, "__module__", "")
        found += event == "c_call" and (
            (module == "posix" and name not in ("fspath", "getpid", "uname")) or name == "open"
        )

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = Work("count", folder, [folder / f"{k}.txt" for k in range(FILES)], Path.is_file, lambda: None)
        sys.setprofile(count)
        sleeper(work, "0-0-a", 0.0)
        sys.setprofile(None)
    return found / FILES


def seconds_of_a_task() -> dict[str, float]:
    """Of one local task that makes the sets of the ci profile's plain sampling: until it begins, with torch and the
    model's hash; of its first set, with diffusers and the model loaded; and of another one."""
    here = Path("scratch/bench_cluster")
    here.mkdir(parents=True, exist_ok=True)
    text = Path("profiles/ci/params.yaml").read_text(encoding="utf-8")
    for old, new in {"profile: ci": "profile: bench_cluster", "profiles/ci/": f"{here}/"}.items():
        text = text.replace(old, new)
    (here / "params.yaml").write_text(text, encoding="utf-8")
    (here / "executor.yaml").write_text("kind: local\n", encoding="utf-8")
    params, results = str(here / "params.yaml"), Path("results/bench_cluster")
    for words in (["pipeline.stages.prompts"], ["analysis.stages.prompts"], ["pipeline.stages.sample", "plain"]):
        subprocess.run([sys.executable, "-m", words[0], params, *words[1:]], check=True)
    (log,) = Path("scratch/bench_cluster/shards/plain").glob("*/logs/*_log.out")
    text = log.read_text(encoding="utf-8")
    first, *others = map(float, MADE.findall(text))
    shutil.rmtree(results)
    shutil.rmtree(here)
    begins = float(BEGINS.search(text)[1])
    return {"to the first claim": begins, "first set": first, "another set": round(statistics.median(others), 2)}


def simulated(
    nodes: int, sets: int, seconds: float, spread: float, start: float, per_second: float, dead: float, calls: float
) -> dict[str, float]:
    """One run of `sets` by `nodes` workers: a set takes `seconds` times two lognormal factors of that spread, its own
    and its node's; workers begin over `start` seconds; the disk's server does `per_second` calls; a share `dead` of the
    nodes dies half-way, and others make what they had claimed. `static`: the efficiency if every node had been given
    an equal share of the sets beforehand, none of them dead."""
    rng = random.Random(0)
    speed = [rng.lognormvariate(0, spread) for _ in range(nodes)]
    static = statistics.mean(speed) / max(speed)
    free = [(rng.uniform(0, start), node) for node in range(nodes)]
    heapq.heapify(free)
    half = start + sets * seconds / nodes / 2
    dies = {node: half for node in rng.sample(range(nodes), round(dead * nodes))}
    left, disk, ended, busy = sets, 0.0, 0.0, 0.0
    while left and free:
        now, node = heapq.heappop(free)
        disk = max(disk, now) + calls / per_second  # calls queue at the one server
        took = seconds * speed[node] * rng.lognormvariate(0, spread)
        if disk + took > dies.get(node, float("inf")):
            continue  # its set stays to be made
        left, ended, busy = left - 1, max(ended, disk + took), busy + took
        heapq.heappush(free, (disk + took, node))
    ideal = start / 2 + busy / nodes
    found = {"hours": ended / 3600, "efficiency": ideal / ended, "static": static}
    return {name: round(value, 3) for name, value in (found | {"calls a second": calls * sets / ended}).items()}


def main() -> None:
    one = statistics.median(seconds_of(1, FILES, 0.0) / FILES for _ in range(5))
    rows: list[dict[str, Any]] = []
    for workers in WORKERS:
        took = statistics.median(seconds_of(workers, FILES, SLEEP) for _ in range(3))
        efficiency = round(FILES * SLEEP / workers / took, 3)
        rows.append({"workers": workers, "seconds": round(took, 3), "efficiency": efficiency})
    runs, calls = [], calls_of_a_file()
    for nodes in (1, 8, 100, 1000):
        for per_second in (500, 5000):
            found = simulated(nodes, 100_000, 60.0, 0.2, 120.0, per_second, 0.01, calls)
            runs.append({"nodes": nodes, "calls a second that the disk does": per_second, **found})
    result = {
        "machine": machine(),
        "seconds of a claim": round(one, 5),
        "calls of a file": round(calls, 1),
        "seconds of a task": seconds_of_a_task(),
        "sleepers": rows,
        "simulated": runs,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
