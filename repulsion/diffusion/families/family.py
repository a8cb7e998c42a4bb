"""What the sampler needs of a class of diffusers' pipelines. A family is one file here and one row of the registry.

The sampler knows x = x0 + sigma eps, sigma from high to 0, and nothing of how a network wants it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.diffusion.configurations import image_factor, token_limit

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

# What a prompt is to a network: tensors by name, of one row for each text. `prompt` [n, tokens, width] and `pooled`
# [n, width] are of the text itself; others (sizes, masks) are not.
Condition = dict[str, Tensor]
OF_TEXT = ("prompt", "pooled")
Size = tuple[int | None, int | None]  # height and width of an image, in pixels; None: the model's own
# How a network is guided: by a second pass without the prompt; by the scale, which it takes as an input (it has no pass
# without the prompt); or not at all.
GuidanceKind = Literal["classifier-free", "embedded", "none"]


class Family(ABC):
    """A pipeline as what the sampler needs; made anew wherever it is needed, as it holds nothing but the pipeline.

    `part` is the pipeline's part that denoises. `guidance_scale` is what a call gets that names none.
    """

    part: ClassVar[str]
    guidance_scale: float

    def __init__(self, pipe: DiffusionPipeline) -> None:
        self.pipe = pipe

    @property
    def network(self) -> torch.nn.Module:
        return getattr(self.pipe, self.part)

    @property
    def device(self) -> torch.device:
        """Where the pipeline's parts compute, wherever they are kept until then."""
        return self.pipe._execution_device

    @property
    def guidance(self) -> GuidanceKind:
        return "classifier-free"

    @abstractmethod
    def require_supported(self, where: str) -> None:
        """Raise BadInput, in one line, for a pipeline whose parts do not fit each other or the sampler."""

    @abstractmethod
    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        """Channels, height and width of latents. Raises BadInput for a size that cannot be."""

    @abstractmethod
    def sigmas(self, schedule: str, levels: int, size: Size) -> Float[Tensor, " sigmas"]:
        """`levels` noise levels that fall, the first of which may be infinite, then a last 0."""

    @abstractmethod
    def time(self, sigma: float) -> float:
        """The share of the training time, in [0, 1], at which the noise is sigma."""

    @abstractmethod
    def encode(self, texts: list[str], negative: str | None, size: Size) -> tuple[Condition, Condition | None]:
        """The texts as the network is told them, and what it is told instead in the pass without them."""

    @abstractmethod
    def network_input(self, x: Float[Tensor, "n c h w"], sigma: float) -> Float[Tensor, "n c h w"]:
        """x as the network sees it."""

    @abstractmethod
    def predict(
        self, seen: Float[Tensor, "n c h w"], sigma: float, condition: Condition, weight: float
    ) -> Float[Tensor, "n c h w"]:
        """One call of the network, in its number format; `weight` is the guidance scale, for those that take one."""

    @abstractmethod
    def x0_from(
        self, x: Float[Tensor, "n c h w"], predicted: Float[Tensor, "n c h w"], sigma: float
    ) -> Float[Tensor, "n c h w"]:
        """x0 from the prediction, guidance included."""

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Around decodings and their backward passes: the decoder in a number format in which it does not overflow."""
        yield

    def decode(self, x0: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 height width"]:
        """Latents to images in [-1, 1] (not clamped), in x0's number format, differentiable."""
        vae = self.pipe.vae
        latents = x0.to(vae.dtype) / vae.config.scaling_factor + (vae.config.get("shift_factor") or 0)
        return vae.decode(latents, return_dict=False)[0].to(x0.dtype)


def latent_of(size: Size, config: Mapping, vae: Mapping, patch: int, where: str) -> tuple[int, int]:
    """Height and width of the latents of a transformer that sees patches: its own sample_size squared, or those of an
    image of `size`. Raises BadInput for a size that is no whole number of patches."""
    if size == (None, None):
        return config["sample_size"], config["sample_size"]
    factor = image_factor(vae)
    for name, side in zip(("height", "width"), size, strict=True):
        if type(side) is not int or side < factor * patch or side % (factor * patch):
            expected = f"expected a multiple of {factor * patch} pixels (height and width go together)"
            raise BadInput(f"{where}: {name}: {expected}, got {side}")
    return size[0] // factor, size[1] // factor


@contextmanager
def truncated_texts(pipe: DiffusionPipeline) -> Iterator[None]:
    """Texts cut where a text encoder's positions end, whatever its tokenizer says of its length."""
    pairs = [(getattr(pipe, f"tokenizer{k}", None), getattr(pipe, f"text_encoder{k}", None)) for k in ("", "_2")]
    limits = {
        id(tokenizer): (tokenizer, encoder.config.max_position_embeddings)
        for tokenizer, encoder in pairs
        if tokenizer is not None and hasattr(encoder.config, "max_position_embeddings")
    }
    holders = [(tokenizer, "model_max_length", positions) for tokenizer, positions in limits.values()]
    # Stable Diffusion 3 and FLUX keep their own, read from the first tokenizer when they are made
    if hasattr(pipe, "tokenizer_max_length"):
        holders.append((pipe, "tokenizer_max_length", min(positions for _, positions in limits.values())))
    before = [(holder, name, getattr(holder, name)) for holder, name, _ in holders]
    for holder, name, positions in holders:
        setattr(holder, name, token_limit(getattr(holder, name), positions))
    try:
        yield
    finally:
        for holder, name, length in before:
            setattr(holder, name, length)
