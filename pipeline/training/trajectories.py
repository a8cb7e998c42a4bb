"""Whole sampling trajectories of named artists, which the style classifier learns from.

A trajectory is a plain sample's latent at the start of each noise level that is finite: at an infinite one, where a
flow starts, it is noise alone and no force acts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor

from pipeline.profile.profile import Profile
from pipeline.sampling.coordinator import Work
from pipeline.sampling.fan_out import complete
from repulsion.diffusion.denoiser import Denoiser
from repulsion.diffusion.families.registry import family_of
from repulsion.diffusion.model import load_pipeline
from repulsion.forces.embeddings import Context
from repulsion.sampling.methods import PLAIN
from repulsion.sampling.sampler import Hooks, sample
from repulsion.tensors.noise import particle_noise
from repulsion.tensors.weights import is_kept, write_tensors

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


@dataclass(frozen=True)
class Trajectories:
    """n trajectories: latents at the start of each finite level and after the last, the levels' sigmas, and who
    painted."""

    x: Float[Tensor, "n levels c h w"]
    x0: Float[Tensor, "n c h w"]
    sigma: Float[Tensor, " levels"]
    artist: Int[Tensor, " n"]


def sample_trajectories(
    profile: Profile, prompts: list[str], n: int, load: Callable[[], DiffusionPipeline]
) -> dict[str, Tensor]:
    """n plain samples of each prompt, denoised together: x [m, levels, c, h, w], their latents as each level begins,
    and x0, their ends."""
    pipe, p, seed = load(), profile.sampling, profile.style_classifier.seed
    family, own_size = family_of(pipe), (None, None)
    sigmas, shape = family.sigmas(p.schedule, p.levels, own_size), family.latent_shape(own_size)
    seen: list[Tensor] = []

    def record(x: Tensor, sigma: float, level: int) -> Tensor:
        if math.isfinite(sigma):
            seen.append(x.cpu())
        return x

    def noise(purpose: str) -> Tensor:
        parts = [particle_noise(seed, prompt, list(range(n)), purpose, shape) for prompt in prompts]
        return torch.cat(parts).to(family.device)

    texts = [prompt for prompt in prompts for _ in range(n)] if len(prompts) > 1 else prompts[0]
    denoise = Denoiser(pipe, texts, p.guidance_scale, p.batch)
    hooks = Hooks(edit_latent=record)
    x0 = sample(denoise, sigmas, PLAIN, noise, Context(seed), f"prompt {prompts[0]!r}", hooks)
    return {"x": torch.stack(seen, 1), "x0": x0.cpu(), "sigma": sigmas[:-1][sigmas[:-1].isfinite()].float()}


def trajectories(profile: Profile, prompts: list[tuple[str, int]], n: int, folder: Path) -> Trajectories:
    """n plain samples of each (prompt, artist), seen at every level: as many prompts at once as the denoiser takes.
    Each such group is kept in `folder`, so that a restart continues after the last of them."""
    size = max(1, profile.sampling.batch // (2 * n))  # with and without the prompt
    pipe = cache(
        lambda: load_pipeline(Path(profile.model), profile.device, profile.compute)
    )  # where a group is missing
    starts = {folder / f"{k:06d}.safetensors": k for k in range(0, len(prompts), size)}

    def make(file: Path, part: Path) -> None:
        texts = [text for text, _ in prompts[starts[file] : starts[file] + size]]
        write_tensors(part, sample_trajectories(profile, texts, n, pipe))

    complete(profile, Work("trajectories", folder, list(starts), is_kept, lambda: make))
    parts = [load_file(file) for file in starts]
    x, x0 = (torch.cat([part[name] for part in parts]) for name in ("x", "x0"))
    artist = torch.tensor([a for _, a in prompts]).repeat_interleave(n)
    return Trajectories(x, x0, parts[0]["sigma"], artist)


def split(t: Trajectories, per_prompt: int, train: int) -> tuple[Trajectories, Trajectories]:
    """The first `train` trajectories of each prompt, and the others."""
    first = torch.arange(len(t.artist)) % per_prompt < train
    return tuple(Trajectories(t.x[part], t.x0[part], t.sigma, t.artist[part]) for part in (first, ~first))
