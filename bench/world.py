"""Speed of the painted world against its bars: renders per second, plain sampling of the small model, its peak memory.

Writes bench/results/world.json.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import torch

from bench.timing import interleaved, peak_memory_gib, report, row, use_two_cores
from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import max_diversity, random_subjects
from pipeline.world.worlds import PAINTED
from pipeline.world_model.artifacts import HERE, WorldParams
from repulsion.core.errors import one_line_errors
from repulsion.core.settings import load
from repulsion.diffusion.model import load_pipeline, sample_plain

N, GUIDANCE, LEVELS = 64, 8.0, 20
RENDERS = 2048
RESULTS = Path(__file__).parent / "results" / "world.json"


def main() -> None:
    use_two_cores()
    pipe = load_pipeline(Path(load(WorldParams, HERE / "params.yaml").model), "cpu")
    prompts = [caption(PAINTED, "vase", None)] * N
    sampling = interleaved({"plain": lambda: sample_plain(pipe, prompts, list(range(N)), GUIDANCE, LEVELS, seed=0)})
    memory = peak_memory_gib()  # before the renders, so that it is the sampling's alone
    generator = torch.Generator().manual_seed(0)
    scenes = max_diversity(PAINTED, random_subjects(PAINTED, RENDERS, generator), generator)
    rendering = interleaved({"render": lambda: render(PAINTED, scenes)})
    rows = [
        row(f"images/s, plain sampling, N = {N}", N / statistics.median(sampling["plain"]), ">=", 8),
        row("GiB, peak memory of that process", memory, "<=", 3),
        row("renders/s", RENDERS / statistics.median(rendering["render"]), ">=", 1000),
    ]
    report(RESULTS, rows)


if __name__ == "__main__":
    with one_line_errors():
        main()
