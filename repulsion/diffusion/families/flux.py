"""FLUX.1: latents packed in patches of 2x2, and a guidance scale that the network takes as an input, or none at all."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.diffusion.families.family import Condition, GuidanceKind, Size, latent_of, truncated_texts
from repulsion.diffusion.families.flow_matching import FlowMatching
from repulsion.diffusion.model import require_flow_scheduler

PATCH = 2
SCHNELL_TOKENS = 256  # of T5, which [schnell] was trained with; the pipeline's default is [dev]'s 512


class Flux(FlowMatching):
    """Latents stay [n, 16, h, w] in the sampler, so that spaces of places mean what they say; they are packed for a
    call of the network alone. There is no pass without the prompt: [dev] takes the scale, [schnell] takes none."""

    @property
    def guidance_scale(self) -> float:
        return 3.5 if self.guidance == "embedded" else 1.0  # diffusers' default

    @property
    def guidance(self) -> GuidanceKind:
        return "embedded" if self.pipe.transformer.config.guidance_embeds else "none"

    def require_supported(self, where: str) -> None:
        found, channels = self.pipe.transformer.config.in_channels, self.pipe.vae.config.latent_channels
        if found != channels * PATCH**2:
            raise BadInput(f"{where}: transformer in_channels is {found}, expected {channels * PATCH**2}")
        require_flow_scheduler(self.pipe.scheduler, where)

    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        own = {"sample_size": self.pipe.default_sample_size}  # the transformer's configuration has none
        return self.pipe.vae.config.latent_channels, *latent_of(size, own, self.pipe.vae.config, PATCH, "pipe")

    def tokens(self, size: Size) -> int:
        _, height, width = self.latent_shape(size)
        return (height // PATCH) * (width // PATCH)

    def base_times(self, levels: int) -> np.ndarray | None:
        return np.linspace(1, 1 / levels, levels)

    def encode(self, texts: list[str], negative: str | None, size: Size) -> tuple[Condition, Condition | None]:
        tokens = SCHNELL_TOKENS if self.guidance == "none" else 512
        with truncated_texts(self.pipe):
            prompt, pooled, _ = self.pipe.encode_prompt(texts, None, device=self.device, max_sequence_length=tokens)
        return {"prompt": prompt, "pooled": pooled}, None

    def predict(
        self, seen: Float[Tensor, "n c h w"], sigma: float, condition: Condition, weight: float
    ) -> Float[Tensor, "n c h w"]:
        n, (height, width), device = len(seen), seen.shape[-2:], seen.device
        scale = torch.full((n,), weight, device=device) if self.guidance == "embedded" else None
        out = self.pipe.transformer(
            hidden_states=packed(seen),
            timestep=torch.full((n,), self.time(sigma), device=device),  # the network multiplies it by 1000
            guidance=scale,
            pooled_projections=condition["pooled"],
            encoder_hidden_states=condition["prompt"],
            txt_ids=torch.zeros(condition["prompt"].shape[1], 3, device=device, dtype=seen.dtype),
            img_ids=patch_ids(height // PATCH, width // PATCH).to(seen),
            return_dict=False,
        )[0]
        return unpacked(out, height, width)


def packed(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n tokens c4"]:
    """A token for each patch, row by row: its channels, each with the patch's four values."""
    n, c, h, w = x.shape
    patches = x.view(n, c, h // PATCH, PATCH, w // PATCH, PATCH).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(n, h // PATCH * (w // PATCH), c * PATCH**2)


def unpacked(tokens: Float[Tensor, "n tokens c4"], h: int, w: int) -> Float[Tensor, "n c h w"]:
    n, c = len(tokens), tokens.shape[-1] // PATCH**2
    patches = tokens.view(n, h // PATCH, w // PATCH, c, PATCH, PATCH).permute(0, 3, 1, 4, 2, 5)
    return patches.reshape(n, c, h, w)


def patch_ids(rows: int, columns: int) -> Float[Tensor, "tokens 3"]:
    """Where each token's patch is: 0, row, column."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack([torch.zeros_like(row), row, column], -1).view(-1, 3).float()
