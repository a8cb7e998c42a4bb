"""Repel the samples of any StableDiffusionPipeline: the sampler for people who have a pipeline and a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from torch import Tensor

from repulsion.core.errors import require_at_least
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.model import device_of, require_supported_pipeline
from repulsion.forces import style_classifier as classifiers
from repulsion.sampling.methods import Method, load_method
from repulsion.sampling.particles import SetRequest, sample_particles

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


@torch.inference_mode(False)  # forces are gradients, also where a caller wants none
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
    style_classifier: Path | str | None = None,
    height: int | None = None,
    width: int | None = None,
) -> UInt8[Tensor, "n 3 h w"]:
    """n images of one prompt, denoised together by a row of methods.yaml (a name) or by a Method of your own; uint8 in
    [0, 255].

    `batch` latents at most go through the UNet at once; it changes speed and memory, not the method. A method that
    repels in the style classifier's space needs the folder of one. `height` and `width` are in pixels; without them
    images are of the model's own size. Raises BadInput for what cannot be sampled.
    """
    require_supported_pipeline(pipe)
    require_at_least("n", n, 1)
    name = f"method {method if isinstance(method, str) else 'of your own'}, prompt {prompt!r}"
    sizes = (batch, batch, batch)
    request = SetRequest(prompt, seed, prompt, schedule, levels, guidance_scale, *sizes, name, height, width)
    row = load_method(method) if isinstance(method, str) else method
    classifier = classifiers.load(Path(style_classifier)).to(device_of(pipe)) if style_classifier else None
    result = sample_particles(pipe, row, request, list(range(n)), classifier)
    return to_images(pipe, result.x0, batch)
