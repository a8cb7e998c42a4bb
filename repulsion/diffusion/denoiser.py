"""A pipeline and its prompts as denoise(x, sigma) -> x0, with guidance; latents to images.

Guidance scales follow diffusers: eps = eps_0 + w (eps_c - eps_0), so that 1 means no guidance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from repulsion.core.errors import require_at_least, require_one_of
from repulsion.diffusion.levels import interpolate, sigma_table
from repulsion.diffusion.model import device_of
from repulsion.diffusion.model_folder import guidance_width, token_limit
from repulsion.tensors.pixels import to_bytes
from repulsion.tensors.slices import sliced

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


class Denoiser:
    """A Stable Diffusion pipeline and one prompt, or one for each latent, as denoise(x, sigma) -> x0, with guidance.

    x is variance-exploding, x = x0 + sigma eps, latents [n, c, h, w] in float32; the UNet sees x / sqrt(sigma^2 + 1) at
    the timestep whose sigma this is, in its own number format, in slices of at most `batch` latents (`gradient_batch`
    where there is a backward pass). Epsilon and v prediction. Two hooks:
    edit_condition(condition, sigma) -> condition, the prompt's [n, tokens, width] embeddings; guidance_weight(sigma)
    -> w, in the place of the constant scale (at w = 1 the unconditional pass is left out). A guidance-distilled UNet
    (latent consistency models) takes w - 1 as an input, as in diffusers, and needs no unconditional pass. `passes`
    counts latents that go through the UNet, and `backward_passes` those in backward passes.
    """

    def __init__(
        self,
        pipe: StableDiffusionPipeline,
        prompt: str | list[str],
        guidance_scale: float,
        batch: int,
        edit_condition: Callable[[Tensor, float], Tensor] | None = None,
        guidance_weight: Callable[[float], float] | None = None,
        gradient_batch: int | None = None,
    ) -> None:
        require_at_least("guidance scale", guidance_scale, 1)  # 1: no guidance
        require_at_least("batch", batch, 1)
        self.unet, self.batch, self.gradient_batch = pipe.unet, batch, gradient_batch or batch
        self.passes = self.backward_passes = 0
        self.prediction = prediction_type(pipe.scheduler)
        self.embed_guidance, self.embedding_width = pipe.get_guidance_scale_embedding, guidance_width(pipe.unet.config)
        self.table = sigma_table(pipe.scheduler.alphas_cumprod)
        self.edit_condition = edit_condition
        self.guidance_weight = guidance_weight or (lambda sigma: guidance_scale)
        with torch.no_grad():
            texts = [prompt] if isinstance(prompt, str) else prompt
            slices = [texts[k : k + batch] for k in range(0, len(texts), batch)]
            with truncated_texts(pipe):
                encoded = [pipe.encode_prompt(part, device_of(pipe), 1, True) for part in slices]
            self.condition, self.null = (torch.cat(parts) for parts in zip(*encoded, strict=True))

    def __call__(self, x: Float[Tensor, "n c h w"], sigma: float) -> Float[Tensor, "n c h w"]:
        condition = self.condition.expand(len(x), -1, -1)
        if self.edit_condition:
            condition = self.edit_condition(condition, sigma)
        weight = self.guidance_weight(sigma)
        scaled = x / (sigma**2 + 1) ** 0.5
        t = interpolate(torch.tensor([sigma], dtype=torch.float64), self.table, torch.arange(len(self.table)).double())
        t = t.to(torch.float32).to(x.device)
        if self.embedding_width or weight == 1:
            out = self.predict(scaled, t, condition, weight)
        else:
            both = torch.cat([self.null.expand(len(x), -1, -1), condition])
            null, cond = self.predict(torch.cat([scaled, scaled]), t, both).chunk(2)
            out = null + weight * (cond - null)
        return X0_FROM[self.prediction](x, out, sigma)

    def predict(
        self,
        x: Float[Tensor, "m c h w"],
        t: Float[Tensor, "1"],
        condition: Float[Tensor, "m tokens width"],
        weight: float = 1.0,
    ) -> Float[Tensor, "m c h w"]:
        """What the UNet predicts, in x's number format, slice by slice; a distilled one at this guidance scale."""
        dtype, guidance = self.unet.dtype, None
        if self.embedding_width:
            guidance = self.embed_guidance(torch.tensor([weight - 1.0]), self.embedding_width).to(x.device, dtype)

        def unet(part: Tensor, s: slice) -> Tensor:
            embedded = None if guidance is None else guidance.expand(len(part), -1)
            return self.unet(part.to(dtype), t, condition[s], timestep_cond=embedded, return_dict=False)[0]

        latents = len(x)  # the hook must not hold x, which holds the hook
        self.passes += latents
        if x.requires_grad:
            x.register_hook(lambda gradient: self.count_backward(latents))
        return sliced(unet, x, self.batch, self.gradient_batch)

    def count_backward(self, latents: int) -> None:
        """Gradients through more than one slice cost a forward pass again."""
        self.backward_passes += latents
        self.passes += latents if latents > min(self.batch, self.gradient_batch) else 0


@contextmanager
def truncated_texts(pipe: StableDiffusionPipeline) -> Iterator[None]:
    """Texts cut where the text encoder's positions end, whatever the tokenizer says of its length."""
    tokenizer, positions = pipe.tokenizer, pipe.text_encoder.config.max_position_embeddings
    before = tokenizer.model_max_length
    tokenizer.model_max_length = token_limit(before, positions)
    try:
        yield
    finally:
        tokenizer.model_max_length = before


def prediction_type(scheduler: object) -> str:
    """What the UNet predicts. Raises BadInput for what x0 is not computed from here."""
    found = scheduler.config.get("prediction_type", "epsilon")
    require_one_of(found, X0_FROM, "prediction type")
    return found


# x0 from what the UNet predicts, in variance-exploding coordinates; v-prediction: Salimans & Ho 2022.
X0_FROM: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "epsilon": lambda x, eps, sigma: x - sigma * eps,
    "v_prediction": lambda x, v, sigma: x / (sigma**2 + 1) - v * (sigma / (sigma**2 + 1) ** 0.5),
}


def decode(pipe: StableDiffusionPipeline, x0: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 h8 w8"]:
    """Latents to images in [-1, 1] (not clamped), in x0's number format, differentiable."""
    return pipe.vae.decode(x0.to(pipe.vae.dtype) / pipe.vae.config.scaling_factor, return_dict=False)[0].to(x0.dtype)


@torch.no_grad()
def to_images(pipe: StableDiffusionPipeline, x0: Float[Tensor, "n c h w"], batch: int) -> UInt8[Tensor, "n 3 h8 w8"]:
    """Latents to bytes on the CPU, in slices of at most `batch`."""
    return torch.cat([to_bytes(decode(pipe, part)).cpu() for part in x0.split(batch)])
