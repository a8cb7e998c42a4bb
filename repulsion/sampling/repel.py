"""Repel the samples of a pipeline: the sampler for people who have a pipeline and a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from repulsion.core.errors import require_at_least
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.families.registry import supported_family
from repulsion.forces import style_classifier as classifiers
from repulsion.sampling.methods import Method, load_method
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


@torch.inference_mode(False)  # forces are gradients, also where a caller wants none
def repel(
    pipe: DiffusionPipeline,
    prompt: str,
    method: str | Method,
    n: int,
    seed: int,
    guidance_scale: float | None = None,
    levels: int = 20,
    schedule: str = "linspace",
    batch: int = 128,
    style_classifier: Path | str | None = None,
    height: int | None = None,
    width: int | None = None,
    negative_prompt: str | None = None,
    protected: Float[Tensor, "m c height width"] | None = None,
) -> UInt8[Tensor, "n 3 h w"]:
    """n images of one prompt, denoised together by a row of methods.yaml (a name) or by a Method of your own; uint8 in
    [0, 255].

    `pipe` is of a class in repulsion.diffusion.families.registry. `batch` latents at most go through the network at
    once; it changes speed and memory, not the method. A method that repels in the style classifier's space needs the
    folder of one. `height` and `width` are in pixels; without them images are of the model's own size. The schedule
    `pipeline` has the noise levels of the pipeline's own call. Without a guidance scale it is the family's.
    `protected`: latents at sigma 0, of images that a method with protected repulsions keeps away from. Raises BadInput
    for what cannot be sampled.
    """
    family = supported_family(pipe)
    require_at_least("n", n, 1)
    name = f"method {method if isinstance(method, str) else 'of your own'}, prompt {prompt!r}"
    scale = family.guidance_scale if guidance_scale is None else guidance_scale
    sizes = batch, batch, batch, name, height, width
    request = SetRequest(prompt, seed, prompt, schedule, levels, scale, *sizes, negative_prompt)
    row = load_method(method) if isinstance(method, str) else method
    classifier = classifiers.load(Path(style_classifier)).to(family.device) if style_classifier else None
    result = sample_particles(pipe, row, request, list(range(n)), classifier, protected=protected)
    return to_images(pipe, result.x0, batch)
