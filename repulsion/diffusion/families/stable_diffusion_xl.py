"""Stable Diffusion XL: two text encoders, a pooled text, and the image's size as conditions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.diffusion.families.family import Condition, Size, truncated_texts
from repulsion.diffusion.families.stable_diffusion import StableDiffusion
from repulsion.diffusion.model import scheduler_sigmas


class StableDiffusionXL(StableDiffusion):
    guidance_scale = 5.0  # diffusers' default

    def require_supported(self, where: str) -> None:
        pipe = self.pipe
        if (found := pipe.unet.config.addition_embed_type) != "text_time":
            raise BadInput(f"{where}: unet addition_embed_type is {found!r}, expected 'text_time'")
        for key in ("in_channels", "out_channels"):
            if pipe.unet.config[key] != pipe.vae.config.latent_channels:
                expected = f"expected {pipe.vae.config.latent_channels} as in the VAE"
                raise BadInput(f"{where}: unet {key} is {pipe.unet.config[key]}, {expected}")
        scheduler_sigmas(pipe.scheduler, f"{where}: scheduler")

    def encode(self, texts: list[str], negative: str | None, size: Size) -> tuple[Condition, Condition | None]:
        """The size is the one that the image gets, uncropped."""
        pipe = self.pipe
        with truncated_texts(pipe):
            prompt, null, pooled, null_pooled = pipe.encode_prompt(texts, device=self.device, negative_prompt=negative)
        _, height, width = self.latent_shape(size)
        pixels = height * pipe.vae_scale_factor, width * pipe.vae_scale_factor
        ids = pipe._get_add_time_ids(pixels, (0, 0), pixels, prompt.dtype, pooled.shape[-1])
        ids = ids.to(self.device).expand(len(texts), -1)
        return (
            {"prompt": prompt, "pooled": pooled, "sizes": ids},
            {"prompt": null, "pooled": null_pooled, "sizes": ids},
        )

    def added_conditions(self, condition: Condition) -> dict[str, Tensor]:
        return {"text_embeds": condition["pooled"], "time_ids": condition["sizes"]}

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Its float16 decoder overflows, as `force_upcast` says: it is float32 meanwhile, as in the pipeline's call."""
        vae, before = self.pipe.vae, self.pipe.vae.dtype
        if before == torch.float16 and vae.config.force_upcast:
            vae.to(torch.float32)
        try:
            yield
        finally:
            vae.to(before)
