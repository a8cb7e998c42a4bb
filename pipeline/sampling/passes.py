"""Latents through the denoiser for one image of a method, counted by a dry run of the sampler; a backward pass counts
as BACKWARD forward ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.profile.profile import Profile
from pipeline.profile.sections import SamplingParams
from repulsion.core.files import read_json
from repulsion.diffusion.configurations import guidance_width
from repulsion.diffusion.families.registry import family_of_folder
from repulsion.diffusion.model_folder import config_path, layout_of
from repulsion.forces.embeddings import Context
from repulsion.sampling.conditions import guidance_schedule
from repulsion.sampling.methods import PLAIN, Method
from repulsion.sampling.sampler import sample

BACKWARD = 1  # weights are frozen: a backward pass to the latents costs about a forward pass


@dataclass(frozen=True)
class Passes:
    """Latents through the denoiser for one image, in forward and in backward passes."""

    forward: float
    backward: float


class Counter:
    """Replaces the denoiser, and counts as it does. A guidance-distilled network needs no unconditional pass."""

    def __init__(self, method: Method, p: SamplingParams, gradient_batch: int, distilled: bool) -> None:
        self.distilled = distilled
        self.weight = guidance_schedule(method.guidance) if method.guidance else lambda sigma: p.guidance_scale
        self.kept = min(p.batch, gradient_batch)  # latents whose graph is kept
        self.particles = p.particles
        self.forward = self.backward = 0

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        latents = 1 if self.distilled or self.weight(sigma) == 1 else 2
        self.forward += latents
        x0 = x / (sigma**2 + 1)
        if x0.requires_grad:
            x0.register_hook(lambda gradient: self.count_backward(latents))
        return x0

    def count_backward(self, latents: int) -> None:
        self.backward += latents
        self.forward += latents if latents * self.particles > self.kept else 0


def passes(method: Method, p: SamplingParams, gradient_batch: int, sigmas: Tensor, distilled: bool = False) -> Passes:
    """Counted on two particles of noise, in the latent's own space: the denoiser's cost does not depend on the space. A
    method that selects is counted for all of its candidates; one that selects on the way, for the look at them and for
    the rest of the way of those that it keeps; one that makes a protected set, for that set's share."""
    cells = tuple(replace(cell, space="latent", protected=False) for cell in method.repel or ())
    start = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    method_there = replace(method, repel=cells or None, select=None, protect=None)

    def walked(**ends: Any) -> Counter:
        counter = Counter(method, p, gradient_batch, distilled)
        sample(counter, sigmas, method_there, lambda purpose: start, Context(0), "dry run", **ends)
        return counter

    method.require_levels(sigmas[:-1].tolist())
    if method.protect:
        found = passes(method_there, p, gradient_batch, sigmas, distilled)
        plain = passes(PLAIN, p, gradient_batch, sigmas, distilled)
        return replace(found, forward=found.forward + method.protect.images / p.particles * plain.forward)
    candidates = method.select.candidates if method.select else 1
    stop = method.select.stop(sigmas[:-1].tolist()) if method.select else None
    first = walked(stop=stop)
    if stop is None:
        return Passes(candidates * first.forward, candidates * first.backward)
    first(start, sigmas[stop].item())  # the look
    last = walked(resume=(start, stop))
    return Passes(candidates * first.forward + last.forward, candidates * first.backward + last.backward)


def set_passes(profile: Profile, method: Method) -> float:
    """Of one particle set of a profile, backward passes counted: what its time is estimated by."""
    model, p = Path(profile.model), profile.sampling
    distilled = guidance_width(read_json(config_path(model, layout_of(model).denoiser))) > 0
    sigmas = family_of_folder(model).sigmas(p.schedule, p.levels, (None, None))
    found = passes(method, p, profile.compute.gradient_batch, sigmas, distilled)
    return p.particles * (found.forward + BACKWARD * found.backward)
