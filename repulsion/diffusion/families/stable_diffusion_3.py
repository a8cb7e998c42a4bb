"""Stable Diffusion 3 and 3.5: a transformer of text and image tokens, flow matching, three text encoders."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.diffusion.configurations import require_flow_transformer
from repulsion.diffusion.families.family import Condition, Size, latent_of, truncated_texts
from repulsion.diffusion.families.flow_matching import FlowMatching
from repulsion.diffusion.model import require_flow_scheduler
from repulsion.diffusion.model_folder import LAYOUTS, PADDING, T5_TOKENS


class StableDiffusion3(FlowMatching):
    guidance_scale = 7.0  # diffusers' default

    def require_supported(self, where: str) -> None:
        networks = LAYOUTS["StableDiffusion3Pipeline"].networks
        there = {part: network for part in networks if (network := getattr(self.pipe, part, None)) is not None}
        configs = {part: n.config if isinstance(n.config, Mapping) else n.config.to_dict() for part, n in there.items()}
        require_flow_transformer(configs, where)
        require_flow_scheduler(self.pipe.scheduler, where)

    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        config = self.pipe.transformer.config
        return config.in_channels, *latent_of(size, config, self.pipe.vae.config, config.patch_size, "pipe")

    def tokens(self, size: Size) -> int:
        _, height, width = self.latent_shape(size)
        patch = self.pipe.transformer.config.patch_size
        return (height // patch) * (width // patch)

    def base_times(self, levels: int) -> np.ndarray | None:
        return None

    @property
    def padding(self) -> int:
        """To how many tokens T5's, or zeros in their place, are padded: as many as the pipeline's call would by itself,
        or another number that was registered as its configuration's `_max_sequence_length`."""
        return self.pipe.config.get(PADDING, T5_TOKENS)

    def encode(self, texts: list[str], negative: str | None, size: Size) -> tuple[Condition, Condition | None]:
        with truncated_texts(self.pipe):
            prompt, null, pooled, null_pooled = self.pipe.encode_prompt(
                texts, None, None, device=self.device, negative_prompt=negative, max_sequence_length=self.padding
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
