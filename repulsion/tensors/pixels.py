"""Pixels between bytes and the VAE's range. Images are NCHW RGB."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_vae_range(images: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """Bytes to the VAE's range [-1, 1]."""
    return images.float() / 127.5 - 1


def to_bytes(decoded: Float[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 h w"]:
    """The VAE's range to bytes, what lies outside cut off. Raises FloatingPointError for values that are not finite,
    which would turn into bytes like any others."""
    if not torch.isfinite(decoded).all():
        raise FloatingPointError(
            "the decoder's images are not finite (in float16 the format may be too narrow for this VAE)"
        )
    return ((decoded.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
