"""Repel the samples of any StableDiffusionPipeline: the sampler for people who have a pipeline and a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import UInt8
from torch import Tensor

from pipeline import classifier
from pipeline.embeddings import Context
from pipeline.levels import noise_levels, sigma_table
from pipeline.methods import METHODS_FILE, Method, load_method
from pipeline.model import Denoiser, decode, to_images
from pipeline.noise import particle_noise
from pipeline.params import BadInput
from pipeline.sampler import sample

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


def repel(
    pipe: StableDiffusionPipeline,
    prompt: str,
    method: str | Method,
    n: int,
    seed: int,
    guidance_scale: float = 8.0,
    levels: int = 20,
    schedule: str = "linspace",
    batch: int = 128,
    style_classifier: Path | None = None,
) -> UInt8[Tensor, "n 3 h w"]:
    """n images of one prompt, denoised together by a row of methods.yaml (a name) or by a Method of your own.

    `batch` latents at most go through the UNet at once; it changes speed and memory, not the method. A method that
    repels in the style classifier's space needs the folder of one. Raises BadInput for what cannot be sampled.
    """
    if n < 1:
        raise BadInput(f"n: expected at least 1 particle, got {n}")
    name = method if isinstance(method, str) else "your method"
    row = load_method(method, METHODS_FILE, levels) if isinstance(method, str) else method
    sigmas = noise_levels(schedule, sigma_table(pipe.scheduler.alphas_cumprod), levels)
    network = classifier.load(style_classifier).to(pipe.device) if style_classifier else None
    size = pipe.unet.config.sample_size
    shape = (pipe.unet.config.in_channels, size, size)

    def noise(purpose: str) -> Tensor:
        return particle_noise(seed, prompt, list(range(n)), purpose, shape).to(pipe.device)

    denoise = Denoiser(pipe, prompt, guidance_scale, batch)
    context = Context(seed, network, lambda x: decode(pipe, x))
    x0 = sample(denoise, sigmas, row, noise, context, f"method {name}, prompt {prompt!r}")
    return to_images(pipe, x0, batch)
