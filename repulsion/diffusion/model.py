"""A model's folder, loaded onto a device; and sampled with diffusers' own scheduler.

Images are uint8 NCHW RGB in [0, 255].
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from torch import Tensor

from repulsion.core.compute import ComputeParams
from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import read_json
from repulsion.diffusion.configurations import POSITIONS, token_limit
from repulsion.diffusion.levels import sigma_table
from repulsion.diffusion.model_folder import (
    PADDING,
    T5_TOKENS,
    check_folder,
    class_of,
    config_path,
    layout_of,
    padding_of,
    pipeline_name,
    weight_files,
)
from repulsion.tensors.noise import keyed_generator

if TYPE_CHECKING:  # diffusers takes seconds to import: a folder is validated first
    from diffusers import DiffusionPipeline
    from transformers import PreTrainedTokenizerBase

FLOW_SCHEDULER = "FlowMatchEulerDiscreteScheduler"
# As diffusers does by itself, in full precision.
PLAIN_COMPUTE = ComputeParams("float32", False, False, False, 128, 32)


def load_pipeline(folder: Path, device: str, compute: ComputeParams = PLAIN_COMPUTE) -> DiffusionPipeline:
    """The folder as diffusers' own pipeline, from safetensors only, silent; where and how it computes by `compute`.

    Raises BadInput, in one line, for a missing part, parts that do not fit each other, or weights of the wrong shape.
    """
    check_folder(folder)
    import diffusers
    from transformers.utils import logging as transformers_logging

    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()  # no warning of truncated texts with every set
    transformers_logging.disable_progress_bar()
    dtype, layout = getattr(torch, compute.dtype), layout_of(folder)
    parts = {part: load_part(folder, part, dtype) for part in layout.networks}
    unused = dict.fromkeys(layout.unused)
    try:
        pipe = getattr(diffusers, pipeline_name(folder)).from_pretrained(folder, **parts, **unused)
    except Exception as error:  # the tokenizers library raises Exception itself
        raise BadInput(f"model {folder}: {one_line(error)}") from None
    REQUIRED_SCHEDULERS[layout.denoiser](pipe.scheduler, f"model {folder}: part 'scheduler'")
    for name in layout.tokenizers:
        tokenizer, encoder = getattr(pipe, name), getattr(pipe, name.replace("tokenizer", "text_encoder"))
        positions = getattr(encoder.config, "max_position_embeddings", tokenizer.model_max_length)
        tokenizer.model_max_length = token_limit(tokenizer.model_max_length, positions)
    if (padding := padding_of(folder)) != T5_TOKENS:
        pipe.register_to_config(**{PADDING: padding})
    pipe.set_progress_bar_config(disable=True)
    return placed(pipe, device, compute)


def load_part(model: Path, part: str, dtype: torch.dtype) -> torch.nn.Module:
    """One network, on the CPU. The library that its class comes from translates the names that tensors had in older
    checkpoints, as Stable Diffusion 2's; a tensor that is missing after that it would fill at random and only warn of.
    """
    import diffusers  # seconds, which the checks of a folder should not cost
    import transformers

    library = transformers if part.startswith("text_encoder") else diffusers
    kind = getattr(library, layout_of(model).networks[part])
    where, variant = f"model {model}: part {part!r}", weight_files(model, part).variant
    options = {"use_safetensors": True, "low_cpu_mem_usage": False, "dtype": dtype, "output_loading_info": True}
    try:
        network, info = kind.from_pretrained(model / part, variant=variant, **options)
    except (ValueError, RuntimeError, OSError, TypeError, KeyError, SafetensorError) as error:
        raise BadInput(f"{where}: weights and configuration do not fit: {one_line(error)}") from None
    if missing := sorted(info["missing_keys"]):
        shape = tuple(network.state_dict()[missing[0]].shape)
        raise BadInput(f"{where}: tensor {missing[0]} is missing; expected shape {shape}")
    return network.eval().requires_grad_(False)  # gradients go to latents, never to weights


def load_tokenizers(model: Path) -> list[PreTrainedTokenizerBase]:
    """The model's tokenizers, of the classes in its index; each cuts texts where its text encoder's positions end."""
    import transformers  # seconds, which the checks of a folder should not cost

    transformers.utils.logging.set_verbosity_error()  # no warning of truncated texts
    found = []
    for part in layout_of(model).tokenizers:
        try:
            tokenizer = getattr(transformers, class_of(model, part)).from_pretrained(model / part)
            tokenizer("a")
        except Exception as error:  # the tokenizers library raises Exception itself
            raise BadInput(f"model {model}: part {part!r} cannot be read: {one_line(error)}") from None
        config = read_json(config_path(model, part.replace("tokenizer", "text_encoder")))
        # a T5 has no positions: its pipeline cuts texts where their padding ends
        positions = padding_of(model) if "d_model" in config else config.get("max_position_embeddings", POSITIONS)
        tokenizer.model_max_length = token_limit(tokenizer.model_max_length, positions)
        found.append(tokenizer)
    return found


def load_scheduler(model: Path) -> object:
    """The model's scheduler, by the class that its index names. Raises BadInput for one that the model cannot be
    sampled with."""
    import diffusers  # seconds, which the checks of a folder should not cost

    where, name = f"model {model}: part 'scheduler'", class_of(model, "scheduler")
    kind = getattr(diffusers, name, None)
    if kind is None:
        raise BadInput(f"{where}: diffusers has no scheduler {name}")
    try:
        scheduler = kind.from_pretrained(model / "scheduler")
    except Exception as error:  # whatever a configuration leads to
        raise BadInput(f"{where}: {one_line(error)}") from None
    REQUIRED_SCHEDULERS[layout_of(model).denoiser](scheduler, where)
    return scheduler


def scheduler_sigmas(scheduler: object, where: str) -> Float[Tensor, " t"]:
    """sigma of every training timestep of a scheduler. Raises BadInput for one without them, or whose noise does not
    rise from step to step."""
    abar = getattr(scheduler, "alphas_cumprod", None)
    if abar is None:
        raise BadInput(f"{where} {type(scheduler).__name__} has no alphas_cumprod; supported: schedulers that have")
    table = sigma_table(abar)
    if len(table) < 2 or not torch.isfinite(table).all() or not (table.diff() > 0).all():
        raise BadInput(f"{where}: expected betas whose noise levels rise over at least 2 timesteps")
    return table


def require_flow_scheduler(scheduler: object, where: str) -> None:
    """Raise BadInput for a scheduler that does not step down the times of a flow as they are."""
    if (name := type(scheduler).__name__) != FLOW_SCHEDULER:
        raise BadInput(f"{where}: scheduler {name}; supported: {FLOW_SCHEDULER}")
    if scheduler.config.invert_sigmas:
        raise BadInput(f"{where}: scheduler invert_sigmas is true; supported: times that fall from noise to images")
    if scheduler.config.stochastic_sampling:
        raise BadInput(f"{where}: scheduler stochastic_sampling is true; supported: false, and rows that add noise")


# By the part that denoises.
REQUIRED_SCHEDULERS: dict[str, Callable[[object, str], object]] = {
    "unet": scheduler_sigmas,
    "transformer": require_flow_scheduler,
}


def placed(pipe: DiffusionPipeline, device: str, compute: ComputeParams) -> DiffusionPipeline:
    """The pipeline on its device. Attention is PyTorch's scaled_dot_product_attention, diffusers' own choice."""
    network = pipe.unet if hasattr(pipe, "unet") else pipe.transformer
    if compute.channels_last:
        for part in (network, pipe.vae):
            part.to(memory_format=torch.channels_last)
    if compute.offload:
        pipe.enable_model_cpu_offload(device=device)
        return pipe
    pipe.to(device)
    if compute.compile:
        # a compiled graph would give its buffers away in the first backward pass, and repulsions may each need one
        torch._functorch.config.donated_buffer = False
        network.compile()
    return pipe


@torch.no_grad()
def sample_plain(
    pipe: DiffusionPipeline,
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
    padded = pipe.config.get(PADDING)
    padding = {} if padded is None else {"max_sequence_length": padded}
    images = pipe(
        prompts,
        num_inference_steps=levels,
        guidance_scale=guidance_scale,
        generator=generators,
        output_type="pt",
        **padding,
    ).images
    return (images * 255).round().to(torch.uint8).cpu()
