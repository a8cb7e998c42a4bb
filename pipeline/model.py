"""A Stable Diffusion folder: checked at the door, loaded, and sampled the plain way.

Images are uint8 NCHW RGB in [0, 255]. Guidance scales follow diffusers: eps = eps_0 + w (eps_c - eps_0), so that 1
means no guidance.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from torch import Tensor

from pipeline.levels import interpolate, sigma_table
from pipeline.noise import keyed_generator
from pipeline.params import BadInput
from pipeline.weights import read_config, require_weights

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


def load_pipeline(folder: Path, device: str) -> StableDiffusionPipeline:
    """The folder as diffusers' own pipeline, from safetensors only, silent.

    Raises BadInput, in one line, for a missing part, parts that do not fit each other, or weights of the wrong shape.
    """
    check_folder(folder)
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import logging
    from transformers.utils import logging as transformers_logging

    logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        pipe = StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True, low_cpu_mem_usage=False)
    except (ValueError, RuntimeError, OSError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"model {folder}: weights and configuration do not fit: {reason[:300]}") from None
    for part, weights in WEIGHTS.items():  # diffusers only warns of a tensor that is missing, and fills it at random
        require_weights(getattr(pipe, part), folder / part / weights)
        getattr(pipe, part).requires_grad_(False)  # gradients go to latents, never to weights
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)


def to_vae_range(images: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """Bytes to the VAE's range [-1, 1]."""
    return images.float() / 127.5 - 1


class Denoiser:
    """A Stable Diffusion pipeline and one prompt, or one for each latent, as denoise(x, sigma) -> x0, with guidance.

    x is variance-exploding, x = x0 + sigma eps, latents [n, c, h, w]; the UNet sees x / sqrt(sigma^2 + 1) at the
    timestep whose sigma this is, in slices of at most `batch` latents. Epsilon and v prediction. Two hooks:
    edit_condition(condition, sigma) -> condition, the prompt's [n, tokens, width] embeddings; guidance_weight(sigma)
    -> w, in the place of the constant scale (at w = 1 the unconditional pass is left out). `passes` counts latents that
    went through the UNet, and `backward_passes` those that a gradient went back through.
    """

    def __init__(
        self,
        pipe: StableDiffusionPipeline,
        prompt: str | list[str],
        guidance_scale: float,
        batch: int,
        edit_condition: Callable[[Tensor, float], Tensor] | None = None,
        guidance_weight: Callable[[float], float] | None = None,
    ) -> None:
        if guidance_scale < 1:
            raise BadInput(f"guidance scale: expected at least 1 (no guidance), got {guidance_scale}")
        if batch < 1:
            raise BadInput(f"batch: expected at least 1, got {batch}")
        self.unet, self.batch = pipe.unet, batch
        self.passes = self.backward_passes = 0
        self.prediction = pipe.scheduler.config.prediction_type
        if self.prediction not in X0_FROM:
            raise BadInput(f"prediction type {self.prediction!r}; expected one of {', '.join(X0_FROM)}")
        self.table = sigma_table(pipe.scheduler.alphas_cumprod)
        self.edit_condition = edit_condition
        self.guidance_weight = guidance_weight or (lambda sigma: guidance_scale)
        with torch.no_grad():
            self.condition, self.null = pipe.encode_prompt(prompt, pipe.device, 1, True)

    def __call__(self, x: Float[Tensor, "n c h w"], sigma: float) -> Float[Tensor, "n c h w"]:
        condition = self.condition.expand(len(x), -1, -1)
        if self.edit_condition:
            condition = self.edit_condition(condition, sigma)
        weight = self.guidance_weight(sigma)
        scaled = x / (sigma**2 + 1) ** 0.5
        t = interpolate(torch.tensor([sigma], dtype=torch.float64), self.table, torch.arange(len(self.table)).double())
        t = t.to(torch.float32).to(x.device)
        if weight == 1:
            out = self.unet_in_slices(scaled, t, condition)
        else:
            both = torch.cat([self.null.expand(len(x), -1, -1), condition])
            null, cond = self.unet_in_slices(torch.cat([scaled, scaled]), t, both).chunk(2)
            out = null + weight * (cond - null)
        x0 = X0_FROM[self.prediction](x, out.to(x.dtype), sigma)
        if x0.requires_grad:
            latents = len(x) if weight == 1 else 2 * len(x)
            x0.register_hook(lambda gradient: self.count_backward(latents))
        return x0

    def count_backward(self, latents: int) -> None:
        self.backward_passes += latents

    def unet_in_slices(
        self, x: Float[Tensor, "m c h w"], t: Float[Tensor, "1"], condition: Float[Tensor, "m tokens width"]
    ) -> Float[Tensor, "m c h w"]:
        self.passes += len(x)
        dtype = self.unet.dtype
        slices = [slice(k, k + self.batch) for k in range(0, len(x), self.batch)]
        return torch.cat([self.unet(x[s].to(dtype), t, condition[s], return_dict=False)[0] for s in slices])


# x0 from what the UNet predicts, in variance-exploding coordinates; v as of Salimans & Ho 2022.
X0_FROM: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "epsilon": lambda x, eps, sigma: x - sigma * eps,
    "v_prediction": lambda x, v, sigma: x / (sigma**2 + 1) - v * (sigma / (sigma**2 + 1) ** 0.5),
}


def decode(pipe: StableDiffusionPipeline, x0: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 h8 w8"]:
    """Latents to images in [-1, 1] (not clamped), differentiable."""
    return pipe.vae.decode(x0.to(pipe.vae.dtype) / pipe.vae.config.scaling_factor, return_dict=False)[0]


@torch.no_grad()
def to_images(pipe: StableDiffusionPipeline, x0: Float[Tensor, "n c h w"], batch: int) -> UInt8[Tensor, "n 3 h8 w8"]:
    """Latents to bytes, in slices of at most `batch`."""
    parts = [decode(pipe, part).float().cpu() for part in x0.split(batch)]
    return ((torch.cat(parts) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


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
