"""Stable Diffusion 2's real architecture with random weights: time and memory of sampling, which do not depend on them.

`python -m bench.sd2` measures on the GPU where there is one: particle sets of each method at several N, beside
diffusers' own pipeline in the same run, and whether the painted world's model paints there what it paints on the CPU.
Without a GPU it measures one small particle set on the CPU. Writes report/sd2.json and, to read, report/sd2.md, with
what the thesis-size run would cost, as soon as there is a row and again after each group: a kill loses one group.
`--minutes`: sets that have not begun by then are rows that say so.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import diffusers
import torch
from diffusers import EulerDiscreteScheduler

from bench.device_timing import measured, part_row, peak_gib, reset_peak
from bench.sd2_page import page
from pipeline.machine import preflight
from pipeline.machine.architecture import PIPELINE, SD2, TOKENS, sd2_abar
from pipeline.machine.cost import Arithmetic, arithmetic
from pipeline.machine.stand_in import random_pipeline, tokenizer
from pipeline.profile.profile import Profile, read_profile
from pipeline.profile.prompts import read_prompts
from repulsion.core.compute import ComputeParams
from repulsion.core.errors import one_line_errors
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.levels import linspace_levels, sigma_table
from repulsion.diffusion.model import load_pipeline, placed, sample_plain
from repulsion.diffusion.model_folder import LAYOUTS
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.sampling.methods import METHODS_FILE, Method, load_methods
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

PROFILE = Path("profiles/sd2/params.yaml")
WORLD = Path("models/painted-world")
RESULTS, PAGE = Path("report/sd2.json"), Path("report/sd2.md")
# 16-bit TFLOP/s of dense matrix products, float32 sums, by NVIDIA's data sheets.
PEAKS = {"H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L40S": 362, "RTX 4090": 165, "A10": 125, "T4": 65}
GUIDANCE = 8.0


@dataclass(frozen=True)
class Group:
    """Sets of n particles by `methods`, each `repeats` times in turn."""

    n: int
    methods: tuple[str, ...]
    repeats: int


@dataclass(frozen=True)
class Plan:
    """What is measured on a device: the groups in turn; diffusers' pipeline at `beside`. Before a group, `warm_levels`
    of each of its sets are sampled uncounted: on a GPU a shape's first call chooses its kernels."""

    dtype: str
    levels: int
    warm_levels: int
    groups: tuple[Group, ...]
    beside: int | None
    batch: int
    gradient_batch: int
    decode_batch: int


EVERY = ("plain", "latent", "channel_average", "rule_of_thirds", "random_cnn", "style_classifier",
         "style_classifier_thirds", "langevin", "style_and_place")  # fmt: skip
PLANS = {
    "cuda": Plan("float16", 20, 2, (Group(64, EVERY, 2), Group(500, ("plain", "style_classifier"), 1),
                 Group(16, EVERY, 3)), 64, 64, 16, 8),
    "cpu": Plan("float32", 5, 0, (Group(2, ("style_classifier",), 1),), None, 4, 1, 1),
}  # fmt: skip


def sampler(
    pipe: Any, method: Method, network: StyleClassifier, plan: Plan, n: int, levels: int
) -> Callable[[], object]:
    """One particle set with its decoding, x kept between levels as the stage keeps it; its PNGs are not written."""
    batches = (plan.batch, plan.gradient_batch, plan.decode_batch)
    request = SetRequest("a vase", 0, "vase", "linspace", levels, GUIDANCE, *batches, "bench")

    def work() -> None:
        with TemporaryDirectory() as folder:
            made = sample_particles(pipe, method, request, list(range(n)), network, Path(folder))
            to_images(pipe, made.x0, plan.decode_batch)

    return work


def part_rows(device: str, pipe: Any, plan: Plan, one: Arithmetic) -> list[dict[str, Any]]:
    """The decoder, then the UNet on twice its micro-batch, which takes more: resident memory only rises."""
    dtype, n, m = pipe.unet.dtype, plan.decode_batch, 2 * plan.batch
    latents, text = torch.randn(m, 4, 64, 64).to(device, dtype), torch.randn(m, TOKENS, 1024).to(device, dtype)
    t, matrix = torch.ones(1, device=device), preflight.matrix_rate(device, plan.dtype)
    reset_peak(device)
    base = peak_gib(device)
    works = {
        "decoder": (lambda: pipe.vae.decode(latents[:n]), n * one.decoder, n),
        "UNet": (lambda: pipe.unet(latents, t, text), m * one.denoiser, m),
    }
    return [part_row(device, what, work, 3, *rest, matrix, base) for what, (work, *rest) in works.items()]


def machine(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name(0)
    return f"{platform.machine()}, {torch.get_num_threads()} cores, no GPU"


def agreement() -> list[dict[str, Any]]:
    """The painted world's model on the GPU against the CPU, same seeds: share of pixel values that differ by more than
    one step of 255, and the largest difference."""
    names, n = ("plain", "channel_average", "rule_of_thirds"), 8
    methods, images = load_methods(METHODS_FILE), {}
    for device, dtype in (("cpu", "float32"), ("cuda", "float32"), ("cuda", "float16")):
        pipe = load_pipeline(WORLD, device, ComputeParams(dtype, device == "cuda", False, False, n, n))
        for name in names:
            request = SetRequest("a vase", 0, "vase", "linspace", 20, GUIDANCE, n, n, n, "bench")
            made = sample_particles(pipe, methods[name], request, list(range(n)))
            images[device, dtype, name] = to_images(pipe, made.x0, n).int()
    rows = []
    for (device, dtype, name), found in images.items():
        if device == "cuda":
            off = (found - images["cpu", "float32", name]).abs()
            rows.append({"what": name, "dtype": dtype, "n": n, "differ": round((off > 1).float().mean().item(), 5),
                         "largest": int(off.max())})  # fmt: skip
    return rows


def groups(device: str, plan: Plan, profile: Profile, one: Arithmetic, deadline: float) -> Iterator[list[dict]]:
    """Rows, group by group."""
    texts = [p.by_all(profile.prompts.artists) for p in read_prompts(Path(profile.prompts.source))]
    pipe = random_pipeline(SD2, tokenizer(texts, 20_000), getattr(torch, plan.dtype), device, 0)
    # one UNet evaluation a level, as ours; the folder's own scheduler makes one more
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config, timestep_spacing="linspace")
    torch.manual_seed(0)
    network = StyleClassifier(profile.prompts.artists, 64, 64, 64).eval().requires_grad_(False).to(device)
    methods = load_methods(Path(profile.methods_file))
    yield part_rows(device, pipe, plan, one)
    if n := plan.beside:  # as it comes, before the pipeline is placed otherwise
        theirs = lambda levels: sample_plain(pipe, ["a vase"] * n, list(range(n)), GUIDANCE, levels, 0)  # noqa: E731
        theirs(plan.warm_levels)
        yield measured(device, 2, {"diffusers": lambda: theirs(plan.levels)}, n, deadline)
    batches = plan.gradient_batch, plan.decode_batch
    placed(pipe, device, ComputeParams(plan.dtype, device == "cuda", False, False, *batches))
    for group in plan.groups:
        both = [{name: sampler(pipe, methods[name], network, plan, group.n, levels) for name in group.methods}
                for levels in (plan.warm_levels, plan.levels)]  # fmt: skip
        if plan.warm_levels:
            measured(device, 1, both[0], group.n, deadline)
        yield measured(device, group.repeats, both[1], group.n, deadline)
    if device == "cuda":
        pipe.unet.compile()
        warm, timed = (
            {"plain, compiled": sampler(pipe, methods["plain"], network, plan, plan.beside, levels)}
            for levels in (plan.warm_levels, plan.levels)
        )
        measured(device, 1, warm, plan.beside, deadline)
        yield measured(device, 2, timed, plan.beside, deadline)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="after which nothing more begins")
    deadline = time.perf_counter() + 60 * parser.parse_args().minutes
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plan, profile = PLANS[device], read_profile(PROFILE)
    one = arithmetic(LAYOUTS[PIPELINE], SD2)
    costs = preflight.costs(profile, one, linspace_levels(sigma_table(sd2_abar()), profile.sampling.levels))
    found: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "command": "python -m bench.sd2",
        "machine": machine(device),
        "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
        "plan": asdict(plan),
        "tflop": asdict(one),
        "peak_tflops": next((peak for name, peak in PEAKS.items() if name in machine(device)), None),
        "agreement": agreement() if device == "cuda" else [],
        "rows": [],
        "costs": {name: asdict(cost) for name, cost in costs.items()},
        "disk_gib": round(preflight.disk_needed(profile, sum(cost.images for cost in costs.values())), 1),
    }
    for rows in groups(device, plan, profile, one, deadline):
        found["rows"] += rows
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(found), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    with one_line_errors():
        main()
