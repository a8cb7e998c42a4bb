"""Stable Diffusion 1 and 2: a U-Net that sees one text encoder's tokens."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.diffusion.configurations import guidance_width, image_factor, latent_shape, require_supported
from repulsion.diffusion.families.family import Condition, GuidanceKind, Size, truncated_texts
from repulsion.diffusion.families.noise_prediction import NoisePrediction
from repulsion.diffusion.model import scheduler_sigmas


class StableDiffusion(NoisePrediction):
    part = "unet"
    guidance_scale = 8.0  # the thesis's

    @property
    def guidance(self) -> GuidanceKind:
        return "embedded" if guidance_width(self.pipe.unet.config) else "classifier-free"

    def require_supported(self, where: str) -> None:
        pipe = self.pipe
        text = pipe.text_encoder.config.to_dict()
        require_supported({"unet": pipe.unet.config, "vae": pipe.vae.config, "text_encoder": text}, where)
        scheduler_sigmas(pipe.scheduler, f"{where}: scheduler")

    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        return latent_shape(self.pipe.unet.config, image_factor(self.pipe.vae.config), *size, "pipe")

    def encode(self, texts: list[str], negative: str | None, size: Size) -> tuple[Condition, Condition | None]:
        with truncated_texts(self.pipe):
            prompt, null = self.pipe.encode_prompt(
                texts, self.device, 1, True, negative_prompt=None if negative is None else [negative] * len(texts)
            )
        return {"prompt": prompt}, {"prompt": null}

    def predict(
        self, seen: Float[Tensor, "n c h w"], sigma: float, condition: Condition, weight: float
    ) -> Float[Tensor, "n c h w"]:
        return self.pipe.unet(
            seen,
            self.timestep(sigma),
            condition["prompt"],
            timestep_cond=self.guidance_embedding(weight, seen),
            added_cond_kwargs=self.added_conditions(condition),
            return_dict=False,
        )[0]

    def added_conditions(self, condition: Condition) -> dict[str, Tensor] | None:
        """What the U-Net is told besides the tokens."""
        return None

    def guidance_embedding(self, weight: float, like: Tensor) -> Float[Tensor, "n width"] | None:
        """For guidance-distilled U-Nets (latent consistency models), of w - 1, as in diffusers."""
        width = guidance_width(self.pipe.unet.config)
        if not width:
            return None
        embedding = self.pipe.get_guidance_scale_embedding(torch.tensor([weight - 1.0]), width)
        return embedding.to(like.device, like.dtype).expand(len(like), -1)
