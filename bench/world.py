"""Speed of the painted world: renders per second, plain sampling of the small model, and the peak memory of that.

Writes bench/results/world.json, with the machine and the date, and prints it. Each rate is the median of REPEATS runs.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from pipeline.model import load_pipeline, sample_plain
from pipeline.world.artifacts import read_world
from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import max_diversity, random_subjects

REPEATS = 5
N, GUIDANCE, LEVELS = 64, 8.0, 20
RENDERS = 2048
RESULTS = Path(__file__).parent / "results" / "world.json"


def rates(count: int, work: Callable[[], object]) -> dict[str, float]:
    """Items per second over REPEATS runs, after one run that is not counted."""
    work()
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        found.append(count / (time.perf_counter() - start))
    return {"median": statistics.median(found), "slowest": min(found), "fastest": max(found)}


def peak_memory_gib() -> float:
    """Largest resident set of this process so far (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    world = read_world()
    pipe = load_pipeline(world.model, world.params.device)
    prompts = [caption("vase", None)] * N
    samples = rates(N, lambda: sample_plain(pipe, prompts, list(range(N)), GUIDANCE, LEVELS, seed=0))
    memory = peak_memory_gib()  # before the renders, so that it is the sampling's alone
    generator = torch.Generator().manual_seed(0)
    scenes = max_diversity(random_subjects(RENDERS, generator), generator)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    found = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{machine}, torch {torch.__version__}",
        "plain_sampling": {"n": N, "guidance_scale": GUIDANCE, "levels": LEVELS, "images_per_second": samples},
        "plain_sampling_peak_memory_gib": memory,
        "renders_per_second": rates(RENDERS, lambda: render(scenes)),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
