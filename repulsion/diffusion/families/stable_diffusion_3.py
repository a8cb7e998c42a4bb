"""Stable Diffusion 3 and 3.5: a transformer of text and image tokens, flow matching, three text encoders."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.diffusion.families.family import Condition, Size, latent_of
from repulsion.diffusion.families.flow_matching import FlowMatching


class StableDiffusion3(FlowMatching):
    guidance_scale = 7.0  # diffusers' default

    def require_supported(self, where: str) -> None:
        config, channels = self.pipe.transformer.config, self.pipe.vae.config.latent_channels
        for key in ("in_channels", "out_channels"):
            if config[key] != channels:
                raise BadInput(f"{where}: transformer {key} is {config[key]}, expected {channels} as in the VAE")
        self.require_flow(where)

    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        config = self.pipe.transformer.config
        return config.in_channels, *latent_of(size, config, self.pipe.vae.config, config.patch_size, "pipe")

    def tokens(self, size: Size) -> int:
        _, height, width = self.latent_shape(size)
        patch = self.pipe.transformer.config.patch_size
        return (height // patch) * (width // patch)

    def base_times(self, levels: int) -> np.ndarray | None:
        return None

    def encode(self, texts: list[str], negative: str | None, size: Size) -> tuple[Condition, Condition | None]:
        prompt, null, pooled, null_pooled = self.pipe.encode_prompt(
            texts, None, None, device=self.device, negative_prompt=negative
        )
        return {"prompt": prompt, "pooled": pooled}, {"prompt": null, "pooled": null_pooled}

    def predict(
        self, seen: Float[Tensor, "n c h w"], sigma: float, condition: Condition, weight: float
    ) -> Float[Tensor, "n c h w"]:
        timestep = self.time(sigma) * self.pipe.scheduler.config.num_train_timesteps
        return self.pipe.transformer(
            hidden_states=seen,
            timestep=torch.full((len(seen),), timestep, device=seen.device),
            encoder_hidden_states=condition["prompt"],
            pooled_projections=condition["pooled"],
            return_dict=False,
        )[0]
