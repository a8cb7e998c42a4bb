"""What a run of a profile would take, before it starts: what is found and missing; images a second, hours, gigabytes.

`python -m pipeline.machine.preflight --profile sd2` prints it; it exits with status 1 if something is missing, and the
last line is the first thing to fix. pipeline.machine.requirements makes the same checks alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from pipeline.machine.architecture import config_of, layout, sd2_abar
from pipeline.machine.cost import Arithmetic, arithmetic
from pipeline.machine.requirements import (
    CHECKS,
    artists_of,
    disk_needed,
    images_of,
    memory_needed,
    of_denoiser,
    require_configs,
)
from pipeline.profile.profile import Profile, read_profile
from pipeline.profile.prompts import read_prompts, select
from pipeline.sampling.passes import BACKWARD, passes
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.diffusion.configurations import guidance_width
from repulsion.diffusion.families.registry import family_of_folder
from repulsion.diffusion.levels import noise_levels, sigma_table
from repulsion.diffusion.model_folder import T5_TOKENS, config_path, padding_of
from repulsion.sampling.methods import PLAIN, load_methods

# The share of a matrix product's rate at which a denoiser samples. bench.sd2 measures it.
SHARE = 0.5


@dataclass(frozen=True)
class SetCost:
    """One set: images, latents through the denoiser for one of them, forwards and backwards, PFLOP of all."""

    images: int
    passes: float
    pflop: float


def profile_path(name: str) -> Path:
    path = Path("params.yaml") if name == "small" else Path("profiles") / name / "params.yaml"
    if not path.is_file():
        beside = [p for p in Path("profiles").glob("*/params.yaml") if "methods_file:" in p.read_text(encoding="utf-8")]
        known = ["small", *sorted(p.parent.name for p in beside)]
        raise BadInput(f"no profile {name!r}; expected one of {', '.join(known)}")
    return path


def costs(profile: Profile, one: Arithmetic, sigmas: torch.Tensor) -> dict[str, SetCost]:
    """Of every set of the profile, in its order."""
    p, methods = profile.sampling, load_methods(Path(profile.methods_file))
    distilled = guidance_width(of_denoiser(profile)) > 0
    found = {}
    for name, images in images_of(profile).items():
        reference = profile.reference_sets.get(name)
        if reference and reference.kind == "rendered":
            found[name] = SetCost(images, 0, 0)
            continue
        row = PLAIN if reference else methods[name]
        counted = passes(row, p, profile.compute.gradient_batch, sigmas, distilled)
        latents = counted.forward + BACKWARD * counted.backward
        found[name] = SetCost(images, latents, images * (latents * one.denoiser + one.decoder) / 1000)
    return found


def classifier_cost(profile: Profile, one: Arithmetic, sigmas: torch.Tensor) -> SetCost:
    """The trajectories that the style classifier learns from; its own training is small beside them."""
    p = profile.style_classifier
    n = len(p.subjects) * artists_of(profile) * (p.train + p.held_out)
    distilled = guidance_width(of_denoiser(profile)) > 0
    latents = passes(PLAIN, profile.sampling, profile.compute.gradient_batch, sigmas, distilled).forward
    return SetCost(n, latents, n * latents * one.denoiser / 1000)


def matrix_rate(device: str, dtype: str) -> float:
    """TFLOP/s of a matrix product in a number format, measured here: median of five."""
    n = 8192 if device == "cuda" else 2048 if dtype == "float32" else 512  # CPUs are slow in 16 bits
    kind = getattr(torch, dtype)
    a = torch.randn(n, n, device=device, dtype=torch.float32).to(kind)

    def seconds() -> float:
        start = time.perf_counter()
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    seconds()
    return 2 * n**3 / statistics.median(seconds() for _ in range(5)) / 1e12


def findings(profile: Profile) -> tuple[list[str], list[str]]:
    """A line for each check, and what is missing."""
    lines, missing = [], []
    for name, check in CHECKS.items():
        if name in ("memory", "disk") and not configured(profile):
            continue
        try:
            lines.append(f"  found    {name:<8} {check(profile)}")
        except BadInput as error:
            lines.append(f"  MISSING  {name:<8} {error}")
            missing.append(str(error))
    return lines, missing


def configured(profile: Profile) -> bool:
    """Whether sizes can be computed from the model's configurations."""
    try:
        require_configs(profile)
    except BadInput:
        return False
    return True


def shown_cost(name: str, cost: SetCost, rate: float | None) -> str:
    hours = f"{cost.pflop / rate / 3.6:9.2f}" if rate else f"{'-':>9}"
    return f"  {name:<26}{cost.images:>9}{cost.passes:>9.1f}{cost.pflop:>12.4g}{hours}"


def estimates(profile: Profile, rate: float | None) -> list[str]:
    """A table of what every set costs; with the rate (TFLOP/s) at which this machine samples, the hours."""
    model, p = Path(profile.model), profile.sampling
    found = layout(model)
    padding = padding_of(model) if (model / "model_index.json").is_file() else T5_TOKENS
    one = arithmetic(found, {part: config_of(model, part) for part in found.networks}, padding)
    if all(path.is_file() for path in (model / "model_index.json", *(config_path(model, p) for p in found.parts))):
        sigmas = family_of_folder(model).sigmas(p.schedule, p.levels, (None, None))
    else:
        sigmas = noise_levels(p.schedule, sigma_table(sd2_abar()), p.levels)
    rows = {"(style classifier)": classifier_cost(profile, one, sigmas), **costs(profile, one, sigmas)}
    images = sum(row.images for row in rows.values())
    passes_of_all = sum(row.images * row.passes for row in rows.values()) / images
    lines = [
        f"A latent through the denoiser is {one.denoiser:.4g} TFLOP, through the decoder {one.decoder:.4g}.",
        "Passes are latents through the denoiser for one image, forwards and backwards.",
        f"  {'set':<26}{'images':>9}{'passes':>9}{'PFLOP':>12}{'hours':>9}",
        *(shown_cost(name, row, rate) for name, row in rows.items()),
        shown_cost("all", SetCost(images, passes_of_all, sum(row.pflop for row in rows.values())), rate),
    ]
    if rate:
        plain = rows["(style classifier)"].passes * one.denoiser + one.decoder
        lines.append(f"{rate / plain:.3g} plain images a second, at {SHARE:.0%} of a matrix product's rate here")
        lines.append(f"For executor.yaml: seconds_per_pass: {one.denoiser / rate:.3g}")
    return lines


def report(profile: Profile) -> tuple[str, list[str]]:
    """The whole report, and what is missing."""
    lines, missing = findings(profile)
    if not configured(profile):
        return "\n".join([*lines, f"First: {missing[0]}"]), missing
    images = sum(images_of(profile).values())
    prompts = len(select(read_prompts(Path(profile.prompts.source)), profile.prompts))
    try:
        rate = SHARE * matrix_rate(profile.device, profile.compute.dtype)
    except (RuntimeError, AssertionError):  # torch without CUDA says so by either
        rate = None
    lines = [
        f"Profile {profile.profile}: {len(profile.image_sets)} sets of {prompts} prompts, {images} images",
        *lines,
        *estimates(profile, rate),
    ]
    lines.append(f"{memory_needed(profile):.1f} GiB on the device, {disk_needed(profile, images):.1f} GiB of disk")
    lines.append(f"First: {missing[0]}" if missing else "Nothing is missing.")
    return "\n".join(lines), missing


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline.machine.preflight", description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="small", help="small, or a folder of profiles/ (default: small)")
    args = parser.parse_args()
    text, missing = report(read_profile(profile_path(args.profile)))
    print(text)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    with one_line_errors():
        main()
