"""The arithmetic of a pass, counted on empty networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from repulsion.diffusion.configurations import POSITIONS, image_factor, latent_shape
from repulsion.diffusion.model_folder import T5_TOKENS, Layout


@dataclass(frozen=True)
class Arithmetic:
    """TFLOP of one latent through the denoiser, and through the decoder."""

    denoiser: float
    decoder: float


def unet_call(network: nn.Module, x: Tensor, t: Tensor, tokens: int) -> object:
    return network(x, t, torch.empty(1, tokens, network.config.cross_attention_dim))


def transformer_call(network: nn.Module, x: Tensor, t: Tensor, tokens: int) -> object:
    texts = torch.empty(1, tokens, network.config.joint_attention_dim)
    return network(x, texts, torch.empty(1, network.config.pooled_projection_dim), t)


# By a layout's part that denoises: one call for one latent, and whether its prompt has T5's tokens beside CLIP's.
CALLS = {"unet": (unet_call, False), "transformer": (transformer_call, True)}


def arithmetic(layout: Layout, configs: Mapping[str, Mapping[str, Any]], padding: int = T5_TOKENS) -> Arithmetic:
    """Counted by torch on networks of these configurations that have shapes and no numbers: no weights are needed."""
    import diffusers

    call, padded = CALLS[layout.denoiser]
    tokens = configs["text_encoder"].get("max_position_embeddings", POSITIONS) + (padding if padded else 0)
    shape = latent_shape(configs[layout.denoiser], image_factor(configs["vae"]))
    with torch.device("meta"):
        network, decoder = (
            getattr(diffusers, layout.networks[part]).from_config(configs[part]) for part in (layout.denoiser, "vae")
        )
        x, t = torch.empty(1, *shape), torch.empty(1)
        counts = [counted(lambda: call(network, x, t, tokens)), counted(lambda: decoder.decode(x))]
    return Arithmetic(*(count / 1e12 for count in counts))


def counted(work: Callable[[], object]) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()
