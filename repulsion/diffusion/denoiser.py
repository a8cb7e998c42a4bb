"""A pipeline and its prompts as denoise(x, sigma) -> x0, with guidance; latents to images.

Guidance scales follow diffusers: out = out_0 + w (out_c - out_0), so that 1 means no guidance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from repulsion.core.errors import require_at_least
from repulsion.diffusion.families.family import Condition, Size
from repulsion.diffusion.families.registry import family_of
from repulsion.tensors.pixels import to_bytes
from repulsion.tensors.slices import sliced

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


class Denoiser:
    """A pipeline and one prompt, or one for each latent, as denoise(x, sigma) -> x0, with guidance.

    x is variance-exploding, x = x0 + sigma eps, latents [n, c, h, w] in float32 (at sigma = infinity x is eps); the
    network sees what its family makes of it, in its own number format, in slices of at most `batch` latents
    (`gradient_batch` where there is a backward pass). Two hooks: edit_condition(condition, sigma) -> condition, what
    the network is told of the prompt, tensors by name; guidance_weight(sigma) -> w, in the place of the constant scale
    (at w = 1 the unconditional pass is left out). A guidance-distilled network takes the scale as an input, or none,
    and needs no unconditional pass. `passes` counts latents that go through the network, and `backward_passes` those in
    backward passes.
    """

    def __init__(
        self,
        pipe: DiffusionPipeline,
        prompt: str | list[str],
        guidance_scale: float,
        batch: int,
        edit_condition: Callable[[Condition, float], Condition] | None = None,
        guidance_weight: Callable[[float], float] | None = None,
        gradient_batch: int | None = None,
        negative_prompt: str | None = None,
        size: Size = (None, None),
        combine: Callable[[Tensor, Tensor, float], Tensor] | None = None,
    ) -> None:
        require_at_least("guidance scale", guidance_scale, 1)  # 1: no guidance
        require_at_least("batch", batch, 1)
        self.family, self.batch, self.gradient_batch = family_of(pipe), batch, gradient_batch or batch
        self.passes = self.backward_passes = 0
        self.edit_condition = edit_condition
        self.combine = combine
        self.guidance_weight = guidance_weight or (lambda sigma: guidance_scale)
        texts = [prompt] if isinstance(prompt, str) else prompt
        slices = [texts[k : k + batch] for k in range(0, len(texts), batch)]
        with torch.no_grad():
            encoded = [self.family.encode(part, negative_prompt, size) for part in slices]
        conditions, nulls = zip(*encoded, strict=True)
        self.condition = joined(conditions)
        self.null = None if nulls[0] is None else joined(nulls)

    def __call__(self, x: Float[Tensor, "n c h w"], sigma: float) -> Float[Tensor, "n c h w"]:
        condition = rows_of(self.condition, len(x))
        if self.edit_condition:
            condition = self.edit_condition(condition, sigma)
        weight, seen = self.guidance_weight(sigma), self.family.network_input(x, sigma)
        if self.family.guidance != "classifier-free" or weight == 1:
            out = self.predict(seen, sigma, condition, weight)
        else:
            both = joined([rows_of(self.null, len(x)), condition])
            null, cond = self.predict(torch.cat([seen, seen]), sigma, both).chunk(2)
            if self.combine:
                return self.combine(*(self.family.x0_from(x, out, sigma) for out in (cond, null)), weight)
            out = null + weight * (cond - null)
        return self.family.x0_from(x, out, sigma)

    def predict(
        self, seen: Float[Tensor, "m c h w"], sigma: float, condition: Condition, weight: float = 1.0
    ) -> Float[Tensor, "m c h w"]:
        """What the network predicts, in the number format of `seen`, slice by slice."""

        def network(part: Tensor, s: slice) -> Tensor:
            told = {name: value[s] for name, value in condition.items()}
            return self.family.predict(part.to(self.family.network.dtype), sigma, told, weight)

        latents = len(seen)  # the hook must not hold the tensor, which holds the hook
        self.passes += latents
        if seen.requires_grad:
            seen.register_hook(lambda gradient: self.count_backward(latents))
        return sliced(network, seen, self.batch, self.gradient_batch)

    def count_backward(self, latents: int) -> None:
        """Gradients through more than one slice cost a forward pass again."""
        self.backward_passes += latents
        self.passes += latents if latents > min(self.batch, self.gradient_batch) else 0


def joined(conditions: list[Condition] | tuple[Condition, ...]) -> Condition:
    return {name: torch.cat([condition[name] for condition in conditions]) for name in conditions[0]}


def rows_of(condition: Condition, n: int) -> Condition:
    """A row for each of n latents, of a condition of one text or of n."""
    return {name: value.expand(n, *value.shape[1:]) for name, value in condition.items()}


@torch.no_grad()
def to_images(pipe: DiffusionPipeline, x0: Float[Tensor, "n c h w"], batch: int) -> UInt8[Tensor, "n 3 height width"]:
    """Latents to bytes on the CPU, in slices of at most `batch`."""
    family = family_of(pipe)
    with family.decoding():
        return torch.cat([to_bytes(family.decode(part)).cpu() for part in x0.split(batch)])
