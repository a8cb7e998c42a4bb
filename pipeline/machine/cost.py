"""What a set costs, counted: latents through the denoiser by dry runs of the sampler, arithmetic on empty networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pipeline.profile.sections import SamplingParams
from repulsion.diffusion.configurations import POSITIONS, image_factor, latent_shape
from repulsion.diffusion.model_folder import T5_TOKENS, Layout
from repulsion.forces.embeddings import Context
from repulsion.sampling.conditions import guidance_schedule
from repulsion.sampling.methods import PLAIN, Method
from repulsion.sampling.sampler import sample


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


@dataclass(frozen=True)
class Arithmetic:
    """TFLOP of one latent through the denoiser, and through the decoder."""

    denoiser: float
    decoder: float


def unet_call(network: nn.Module, x: Tensor, t: Tensor, tokens: int) -> object:
    return network(x, t, torch.empty(1, tokens, network.config.cross_attention_dim))


def transformer_call(network: nn.Module, x: Tensor, t: Tensor, tokens: int) -> object:
    texts = torch.empty(1, tokens, network.config.joint_attention_dim)
    return network(x, texts, torch.empty(1, network.config.pooled_projection_dim), t)


# By a layout's part that denoises: one call for one latent, and whether its prompt has T5's tokens beside CLIP's.
CALLS = {"unet": (unet_call, False), "transformer": (transformer_call, True)}


def arithmetic(layout: Layout, configs: Mapping[str, Mapping[str, Any]], padding: int = T5_TOKENS) -> Arithmetic:
    """Counted by torch on networks of these configurations that have shapes and no numbers: no weights are needed."""
    import diffusers

    call, padded = CALLS[layout.denoiser]
    tokens = configs["text_encoder"].get("max_position_embeddings", POSITIONS) + (padding if padded else 0)
    shape = latent_shape(configs[layout.denoiser], image_factor(configs["vae"]))
    with torch.device("meta"):
        network, decoder = (
            getattr(diffusers, layout.networks[part]).from_config(configs[part]) for part in (layout.denoiser, "vae")
        )
        x, t = torch.empty(1, *shape), torch.empty(1)
        counts = [counted(lambda: call(network, x, t, tokens)), counted(lambda: decoder.decode(x))]
    return Arithmetic(*(count / 1e12 for count in counts))


def counted(work: Callable[[], object]) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()
