"""Cost of repulsion: ratios of times taken in one run, and memory. Writes bench/results/sampling.json, and cost.json,
which the tables read: seconds per image and peak memory of each method.

The style classifier has random weights here: time does not depend on them.
"""

from __future__ import annotations

import datetime
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from bench.timing import interleaved, machine, median_ratio, peak_memory_gib, report, row, seconds, use_two_cores
from pipeline.world.captions import caption
from pipeline.world.worlds import PAINTED
from repulsion.core.errors import one_line_errors
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.model import load_pipeline, sample_plain
from repulsion.forces.embeddings import SPACES, Context
from repulsion.forces.energies import gradient
from repulsion.forces.repulsion import Repulsion, Strength, force
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.sampling.methods import METHODS_FILE, Method, load_methods
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

N, GUIDANCE, LEVELS = 64, 8.0, 20
PROMPT = caption(PAINTED, "vase", None)
MODEL = Path("models/painted-world")
RESULTS = Path(__file__).parent / "results" / "sampling.json"
COST = Path(__file__).parent / "results" / "cost.json"
# The cheapest bar a space must clear against one Jacobian for each particle.
SPEEDUPS = {
    "channel_average": 20,
    "rule_of_thirds": 50,
    "random_cnn": 20,
    "style_classifier": 50,
    "style_classifier_thirds": 50,
}


def context(size: int) -> Context:
    torch.manual_seed(0)
    return Context(0, StyleClassifier(tuple("abcdefghijklmnopqrst"), size, 64, 64).eval().requires_grad_(False))


def samplers() -> dict[str, Callable[[], Tensor]]:
    """One particle set by every method, and diffusers' own loop on the same starts."""
    pipe, network = load_pipeline(MODEL, "cpu"), context(8).classifier
    request = SetRequest(PROMPT, 0, PROMPT, "linspace", LEVELS, GUIDANCE, 2 * N, 2 * N, N, "bench")

    def run(method: Method) -> Tensor:
        return to_images(pipe, sample_particles(pipe, method, request, list(range(N)), network).x0, N)

    works = {name: lambda method=method: run(method) for name, method in load_methods(METHODS_FILE).items()}
    works["diffusers"] = lambda: sample_plain(pipe, [PROMPT] * N, list(range(N)), GUIDANCE, LEVELS, seed=0)
    return works


def jacobian_loop(embed: Callable, x: Tensor, sigma: float) -> Tensor:
    """The thesis's route: the Jacobian of phi at one particle after another, times the kernel's mean gradient."""
    with torch.no_grad():
        push = gradient("rbf", "median", embed(x, sigma, 0))
    out = []
    for one, g in zip(x.detach(), push, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda z: embed(z.unsqueeze(0), sigma, 0)[0], one)
        out.append((g.view(-1, 1, 1, 1) * jacobian).sum(0))
    return torch.stack(out)


def force_rows() -> list[dict]:
    x = torch.randn(50, 4, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    cell = Repulsion("rbf", "latent", "noisy", Strength("alpha", 100.0), "median")
    rows = []
    for space, bar in SPEEDUPS.items():
        embed = SPACES[space](context(64))
        fast = lambda embed=embed, space=space: force(replace(cell, space=space), embed, x, x, 1.0, 0)  # noqa: E731
        fast()
        slow = statistics.median(seconds(lambda embed=embed: jacobian_loop(embed, x, 1.0)) for _ in range(9))
        quick = statistics.median(seconds(fast) for _ in range(30))
        rows.append(row(f"force, {space}: times faster than one Jacobian a particle", slow / quick, ">=", bar))
    return rows


def memory_row() -> dict:
    """The rise of this process's peak by the latent force on 4096 particles of 4x64x64."""
    x = torch.randn(4096, 4, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    cell = Repulsion("rbf", "latent", "noisy", Strength("alpha", 100.0), "median")
    before = peak_memory_gib()
    force(cell, SPACES["latent"](Context(0)), x, x, 1.0, 0)
    return row("GiB, extra for N = 4096 in the latent space, 4x64x64", peak_memory_gib() - before, "<=", 3)


def cost_rows(times: dict[str, list[float]]) -> dict[str, object]:
    """Each method's seconds per image and time against plain, in this run; the peak memory of a process of its own."""
    rows = []
    for name in load_methods(METHODS_FILE):
        run = subprocess.run(
            [sys.executable, "-m", "bench.sampling", name], stdout=subprocess.PIPE, check=True, text=True
        )
        seconds_per_image = statistics.median(times[name]) / N
        rows.append(
            {
                "method": name,
                "seconds_per_image": round(seconds_per_image, 5),
                "time_of_plain": round(median_ratio(times, name, "plain"), 3),
                "peak_gib": round(float(run.stdout), 3),
            }
        )
    return {"date": datetime.date.today().isoformat(), "machine": machine(), "model": str(MODEL), "n": N, "rows": rows}


def main() -> None:
    use_two_cores()
    if sys.argv[1:]:  # one method alone, for its memory
        samplers()[sys.argv[1]]()
        print(peak_memory_gib())
        return
    rows = [memory_row(), *force_rows()]  # memory first: a peak only rises
    times = interleaved(samplers())
    for name, method in load_methods(METHODS_FILE).items():
        more = method.through_denoiser or method.needs("decode") or method.contrast or method.protect or method.select
        if method.repel and not more:
            bar = 1.10 if method.needs("classifier") else 1.05
            rows.append(row(f"sampling, {name}: time against plain", median_ratio(times, name, "plain"), "<=", bar))
    faster = median_ratio(times, "diffusers", "plain")
    rows.append(row("plain sampling: times faster than diffusers' loop", faster, ">=", 1))
    report(RESULTS, rows)
    COST.write_text(json.dumps(cost_rows(times), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
