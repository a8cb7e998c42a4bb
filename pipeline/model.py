"""A Stable Diffusion folder: checked at the door, loaded onto a device, and sampled the plain way.

Images are uint8 NCHW RGB in [0, 255].
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from safetensors import SafetensorError
from torch import Tensor

from pipeline.noise import keyed_generator
from pipeline.params import BadInput
from pipeline.sections import ComputeParams
from pipeline.weights import read_config

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
    "tokenizer": ("tokenizer_config.json",),  # its words stand in tokenizer.json, or in vocab.json and merges.txt
}
# As diffusers does by itself, in full precision.
PLAINLY = ComputeParams("float32", False, False, False, 128, 32)
VOCABULARIES = ({"tokenizer.json"}, {"vocab.json", "merges.txt"})


def parts_of(folder: Path) -> list[Path]:
    """What samples depend on in a model's folder (it may hold a card and more beside)."""
    return [folder / "model_index.json", *(folder / part for part in FILES)]


def check_folder(folder: Path) -> None:
    """Raise BadInput, in one line, unless the folder holds every part of a Stable Diffusion and the parts fit."""
    if not (folder / "model_index.json").is_file():
        raise BadInput(f"model {folder}: no model_index.json; expected a folder in diffusers' format")
    for part, names in FILES.items():
        for name in names:
            if not (folder / part / name).is_file():
                raise BadInput(f"model {folder}: part {part!r} lacks {name}; expected {', '.join(FILES)}")
    words = [{p.name for p in (folder / "tokenizer").iterdir()} >= files for files in VOCABULARIES]
    if not any(words):
        raise BadInput(
            f"model {folder}: part 'tokenizer' lacks its words: tokenizer.json, or vocab.json and merges.txt"
        )
    unet, vae, text = (read_config(folder / part / "config.json") for part in WEIGHTS)
    for key, got, expected in (
        ("unet in_channels", unet.get("in_channels"), vae.get("latent_channels")),
        ("unet out_channels", unet.get("out_channels"), vae.get("latent_channels")),
        ("unet cross_attention_dim", unet.get("cross_attention_dim"), text.get("hidden_size")),
    ):
        if got != expected:
            raise BadInput(f"model {folder}: {key} is {got}, expected {expected} as in the part it is joined to")


def load_pipeline(folder: Path, device: str, compute: ComputeParams = PLAINLY) -> StableDiffusionPipeline:
    """The folder as diffusers' own pipeline, from safetensors only, silent; where and how it computes by `compute`.

    Raises BadInput, in one line, for a missing part, parts that do not fit each other, or weights of the wrong shape.
    """
    check_folder(folder)
    from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
    from diffusers.utils import logging
    from transformers import CLIPTextModel
    from transformers.utils import logging as transformers_logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # of texts that are cut, with every set; STAGE prompts says what is left of them
    transformers_logging.disable_progress_bar()
    dtype = getattr(torch, compute.dtype)
    classes = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}
    parts = {part: load_part(kind, folder / part, dtype) for part, kind in classes.items()}
    try:
        pipe = StableDiffusionPipeline.from_pretrained(folder, **parts, safety_checker=None, feature_extractor=None)
    except (ValueError, RuntimeError, OSError) as error:
        raise BadInput(f"model {folder}: {one_line(error)}") from None
    pipe.set_progress_bar_config(disable=True)
    return placed(pipe, device, compute)


def load_part(kind: type[torch.nn.Module], folder: Path, dtype: torch.dtype) -> torch.nn.Module:
    """One network. The library that its class comes from translates the names that tensors had in older checkpoints,
    as Stable Diffusion 2's; a tensor that is missing after that it would fill at random and only warn of."""
    where = f"model {folder.parent}: part {folder.name!r}"
    try:
        network, info = kind.from_pretrained(
            folder, use_safetensors=True, low_cpu_mem_usage=False, dtype=dtype, output_loading_info=True
        )
    except (ValueError, RuntimeError, OSError, SafetensorError) as error:
        raise BadInput(f"{where}: weights and configuration do not fit: {one_line(error)}") from None
    if missing := sorted(info["missing_keys"]):
        shape = tuple(network.state_dict()[missing[0]].shape)
        raise BadInput(f"{where}: tensor {missing[0]} is missing; expected shape {shape}")
    return network.eval().requires_grad_(False)  # gradients go to latents, never to weights


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def placed(pipe: StableDiffusionPipeline, device: str, compute: ComputeParams) -> StableDiffusionPipeline:
    """The pipeline on its device. Attention is PyTorch's scaled_dot_product_attention, diffusers' own choice."""
    if compute.channels_last:
        for part in (pipe.unet, pipe.vae):
            part.to(memory_format=torch.channels_last)
    if compute.offload:
        pipe.enable_model_cpu_offload(device=device)
        return pipe
    pipe.to(device)
    if compute.compile:
        # a compiled graph would give its buffers away in the first backward pass, and several repulsions may each ask
        torch._functorch.config.donated_buffer = False
        pipe.unet.compile()
    return pipe


def device_of(pipe: StableDiffusionPipeline) -> torch.device:
    """Where the pipeline's parts compute, wherever they wait until then."""
    return pipe._execution_device


@torch.no_grad()
def sample_plain(
    pipe: StableDiffusionPipeline,
    prompts: list[str],
    indices: list[int],
    guidance_scale: float,
    levels: int,
    seed: int,
) -> UInt8[Tensor, "n 3 h w"]:
    """One image for each (prompt, index) by the pipeline's own scheduler over `levels` noise levels. The guidance scale
    is diffusers'.

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
