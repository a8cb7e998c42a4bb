"""What a set costs, counted: latents through the denoiser by dry runs of the sampler, arithmetic on empty networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pipeline.profile.sections import SamplingParams
from repulsion.diffusion.levels import noise_levels
from repulsion.diffusion.model_folder import POSITIONS, image_factor, latent_shape
from repulsion.forces.embeddings import Context
from repulsion.sampling.conditions import guidance_schedule
from repulsion.sampling.methods import Method
from repulsion.sampling.sampler import sample


@dataclass(frozen=True)
class Passes:
    """Latents through the UNet for one image, in forward and in backward passes."""

    forward: float
    backward: float


class Counter:
    """Replaces the denoiser, and counts as it does. A guidance-distilled UNet needs no unconditional pass."""

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


def passes(method: Method, p: SamplingParams, gradient_batch: int, table: Tensor, distilled: bool = False) -> Passes:
    """Counted on two particles of noise, in the latent's own space: the denoiser's cost does not depend on the space. A
    method that selects is counted for all of its candidates."""
    sigmas = noise_levels(p.schedule, table, p.levels)
    cells = tuple(replace(cell, space="latent") for cell in method.repel or ())
    counter = Counter(method, p, gradient_batch, distilled)
    start = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    method_there = replace(method, repel=cells or None, select=None)
    sample(counter, sigmas, method_there, lambda purpose: start, Context(0), "dry run")
    candidates = method.select.candidates if method.select else 1
    return Passes(candidates * counter.forward, candidates * counter.backward)


@dataclass(frozen=True)
class Arithmetic:
    """TFLOP of one latent through the UNet, and through the decoder."""

    unet: float
    decoder: float


def arithmetic(unet: dict[str, Any], vae: dict[str, Any], text_encoder: dict[str, Any]) -> Arithmetic:
    """Counted by torch on networks of these configurations that have shapes and no numbers: no weights are needed."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    shape = latent_shape(unet, image_factor(vae))
    with torch.device("meta"):
        network, decoder = UNet2DConditionModel.from_config(unet), AutoencoderKL.from_config(vae)
        x, t = torch.empty(1, *shape), torch.empty(1)
        text = torch.empty(
            1, text_encoder.get("max_position_embeddings", POSITIONS), unet.get("cross_attention_dim", 1280)
        )
        counts = [counted(lambda: network(x, t, text)), counted(lambda: decoder.decode(x))]
    return Arithmetic(*(count / 1e12 for count in counts))


def counted(work: Callable[[], object]) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()
