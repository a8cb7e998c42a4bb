"""Stable Diffusion XL: two text encoders, a pooled text, and the image's size as conditions."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
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

    def predict(
        self, seen: Float[Tensor, "n c h w"], sigma: float, condition: Condition, weight: float
    ) -> Float[Tensor, "n c h w"]:
        added = {"text_embeds": condition["pooled"], "time_ids": condition["sizes"]}
        return self.pipe.unet(
            seen,
            self.timestep(sigma),
            condition["prompt"],
            timestep_cond=self.guidance_embedding(weight, seen),
            added_cond_kwargs=added,
            return_dict=False,
        )[0]

    def decode(self, x0: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 height width"]:
        config: Any = self.pipe.vae.config
        mean, std = config.get("latents_mean"), config.get("latents_std")
        if mean is None or std is None:
            return super().decode(x0)
        mean, std = (torch.tensor(v, device=x0.device, dtype=x0.dtype).view(1, -1, 1, 1) for v in (mean, std))
        return super().decode(x0 * std + mean * config.scaling_factor)
