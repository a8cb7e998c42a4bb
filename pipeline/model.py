"""A Stable Diffusion folder: checked at the door, loaded, and sampled the plain way.

Images are uint8 NCHW RGB in [0, 255]. Guidance scales follow diffusers: eps = eps_0 + w (eps_c - eps_0), so that 1
means no guidance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from torch import Tensor

from pipeline.noise import keyed_generator
from pipeline.params import BadInput

if TYPE_CHECKING:  # diffusers takes seconds to import: a folder is checked before it is paid for
    from diffusers import StableDiffusionPipeline

WEIGHTS = {
    "unet": "diffusion_pytorch_model.safetensors",
    "vae": "diffusion_pytorch_model.safetensors",
    "text_encoder": "model.safetensors",
}
FILES = {
    **{part: ("config.json", weights) for part, weights in WEIGHTS.items()},
    "scheduler": ("scheduler_config.json",),
    "tokenizer": ("tokenizer_config.json",),
}


def check_folder(folder: Path) -> None:
    """Raise BadInput, in one line, unless the folder holds every part of a Stable Diffusion and the parts fit."""
    if not (folder / "model_index.json").is_file():
        raise BadInput(f"model {folder}: no model_index.json; expected a folder in diffusers' format")
    for part, names in FILES.items():
        for name in names:
            if not (folder / part / name).is_file():
                raise BadInput(f"model {folder}: part {part!r} lacks {name}; expected {', '.join(FILES)}")
    unet, vae, text = (read_config(folder / part / "config.json") for part in WEIGHTS)
    for key, got, expected in (
        ("unet in_channels", unet.get("in_channels"), vae.get("latent_channels")),
        ("unet out_channels", unet.get("out_channels"), vae.get("latent_channels")),
        ("unet cross_attention_dim", unet.get("cross_attention_dim"), text.get("hidden_size")),
    ):
        if got != expected:
            raise BadInput(f"model {folder}: {key} is {got}, expected {expected} as in the part it is joined to")


def read_config(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise BadInput(f"model: {path} is no JSON: {error}") from None


def load_pipeline(folder: Path, device: str) -> StableDiffusionPipeline:
    """The folder as diffusers' own pipeline, from safetensors only, silent.

    Raises BadInput, in one line, for a missing part, parts that do not fit each other, or weights of the wrong shape.
    """
    check_folder(folder)
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging

    logging.disable_progress_bar()
    try:
        pipe = StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True, low_cpu_mem_usage=False)
    except (ValueError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"model {folder}: weights and configuration do not fit: {reason[:300]}") from None
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)


@torch.no_grad()
def sample_plain(
    pipe: StableDiffusionPipeline,
    prompts: list[str],
    indices: list[int],
    guidance_scale: float,
    levels: int,
    seed: int,
) -> UInt8[Tensor, "n 3 h w"]:
    """One image for each (prompt, index) by the pipeline's own scheduler over `levels` noise levels.

    An image starts from noise keyed by (seed, prompt, index): the same in any batch.
    """
    keys = zip(prompts, indices, strict=True)
    generators = [keyed_generator(seed, prompt, index, "start") for prompt, index in keys]
    images = pipe(
        prompts,
        num_inference_steps=levels,
        guidance_scale=guidance_scale,
        generator=generators,
        output_type="pt",
    ).images
    return (images * 255).round().to(torch.uint8).cpu()
