"""Stable Diffusion 2's real architecture with random weights: time and memory of sampling, which do not depend on them.

`python -m bench.sd2` measures on the GPU where there is one: particle sets of each method at several N, beside
diffusers' own pipeline in the same run. Without one it measures one small particle set on the CPU. Writes
report/sd2.json and, to read, report/sd2.md, with what the thesis-size run would cost.
"""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Callable
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
from pipeline.machine.architecture import SD2, TOKENS, sd2_abar
from pipeline.machine.cost import Arithmetic, arithmetic
from pipeline.machine.stand_in import random_pipeline, tokenizer
from pipeline.profile.profile import read_profile
from pipeline.profile.prompts import read_prompts
from repulsion.core.compute import ComputeParams
from repulsion.core.errors import one_line_errors
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.levels import sigma_table
from repulsion.diffusion.model import placed, sample_plain
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.sampling.methods import Method, load_methods
from repulsion.sampling.particles import SetRequest, sample_particles

PROFILE = Path("profiles/sd2/params.yaml")
RESULTS, PAGE = Path("report/sd2.json"), Path("report/sd2.md")
# 16-bit TFLOP/s of dense matrix products, float32 sums, by NVIDIA's data sheets.
PEAKS = {"H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L40S": 362, "RTX 4090": 165, "A10": 125, "T4": 65}
GUIDANCE = 8.0


@dataclass(frozen=True)
class Plan:
    """What is measured on a device: sets of each N by `methods`, diffusers' pipeline at `beside`, `repeats` times."""

    dtype: str
    levels: int
    sizes: tuple[int, ...]
    methods: tuple[str, ...]
    beside: int | None
    batch: int
    gradient_batch: int
    decode_batch: int
    repeats: int


PLANS = {
    "cuda": Plan("float16", 20, (16, 64, 500), ("plain", "latent", "channel_average", "rule_of_thirds", "random_cnn",
                 "style_classifier", "style_classifier_thirds", "langevin", "style_and_place"), 64, 64, 16, 8, 3),
    "cpu": Plan("float32", 5, (2,), ("style_classifier",), None, 4, 1, 1, 1),
}  # fmt: skip


def sampler(pipe: Any, method: Method, network: StyleClassifier, plan: Plan, n: int) -> Callable[[], object]:
    """One particle set with its decoding, x kept between levels as the stage keeps it; its PNGs are not written."""
    batches = (plan.batch, plan.gradient_batch, plan.decode_batch)
    request = SetRequest("a vase", 0, "vase", "linspace", plan.levels, GUIDANCE, *batches, "bench")

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
        "UNet": (lambda: pipe.unet(latents, t, text), m * one.unet, m),
    }
    return [part_row(device, what, work, plan.repeats, *rest, matrix, base) for what, (work, *rest) in works.items()]


def machine(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name(0)
    return f"{platform.machine()}, {torch.get_num_threads()} cores, no GPU"


def main() -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plan, profile = PLANS[device], read_profile(PROFILE)
    one = arithmetic(SD2["unet"], SD2["vae"], SD2["text_encoder"])
    texts = [p.by_all(profile.prompts.artists) for p in read_prompts(Path(profile.prompts.source))]
    pipe = random_pipeline(SD2, tokenizer(texts, 20_000), getattr(torch, plan.dtype), device, 0)
    # one UNet evaluation a level, as ours; the folder's own scheduler makes one more
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config, timestep_spacing="linspace")
    torch.manual_seed(0)
    network = StyleClassifier(profile.prompts.artists, 64, 64, 64).eval().requires_grad_(False).to(device)
    methods = load_methods(Path(profile.methods_file))
    rows = part_rows(device, pipe, plan, one)
    if n := plan.beside:  # as it comes, before the pipeline is placed otherwise
        work = lambda: sample_plain(pipe, ["a vase"] * n, list(range(n)), GUIDANCE, plan.levels, 0)  # noqa: E731
        rows += measured(device, plan.repeats, {"diffusers": work}, n)
    batches = plan.gradient_batch, plan.decode_batch
    placed(pipe, device, ComputeParams(plan.dtype, device == "cuda", False, False, *batches))
    for n in plan.sizes:
        works = {name: sampler(pipe, methods[name], network, plan, n) for name in plan.methods}
        rows += measured(device, plan.repeats, works, n)
    if device == "cuda":
        pipe.unet.compile()
        works = {"plain, compiled": sampler(pipe, methods["plain"], network, plan, plan.beside)}
        rows += measured(device, plan.repeats, works, plan.beside)
    costs = preflight.costs(profile, one, sigma_table(sd2_abar()))
    found = {
        "date": datetime.date.today().isoformat(),
        "command": "python -m bench.sd2",
        "machine": machine(device),
        "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
        "plan": asdict(plan),
        "tflop": asdict(one),
        "peak_tflops": next((peak for name, peak in PEAKS.items() if name in machine(device)), None),
        "rows": rows,
        "costs": {name: asdict(cost) for name, cost in costs.items()},
        "disk_gib": round(preflight.disk_needed(profile, sum(cost.images for cost in costs.values())), 1),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    with one_line_errors():
        main()
