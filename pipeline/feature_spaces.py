"""From an encoder's three blocks to vectors: general, location and style as in the thesis, and Gram matrices."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def feature_vectors(
    early: Float[Tensor, "n c h w"], middle: Float[Tensor, "n d k l"], pooled: Float[Tensor, "n p"]
) -> dict[str, Float[Tensor, "n _"]]:
    """Every feature space's vectors.

    general [p]: the pooled block. location [k l]: the middle block averaged over channels, flattened. style
    [c (c + 1) / 2]: the early block averaged over space, its outer product with itself (the thesis's definition: an
    outer product of means). gram [c (c + 1) / 2]: the mean over space of the early block's outer products (Gatys et al.
    2016), which the thesis's is not.
    """
    return {
        "general": pooled,
        "location": middle.mean(1).flatten(1),
        "style": outer_product_of_means(early),
        "gram": gram(early),
    }


def upper_triangle(matrix: Float[Tensor, "n c c"]) -> Float[Tensor, "n _"]:
    """The entries on and above the diagonal, row by row."""
    row, column = torch.triu_indices(matrix.shape[1], matrix.shape[1])
    return matrix[:, row, column]


def outer_product_of_means(block: Float[Tensor, "n c h w"]) -> Float[Tensor, "n _"]:
    """Upper triangle of m m^T with m the mean over space."""
    mean = block.mean((2, 3))
    return upper_triangle(mean.unsqueeze(2) * mean.unsqueeze(1))


def gram(block: Float[Tensor, "n c h w"]) -> Float[Tensor, "n _"]:
    """Upper triangle of F F^T / (h w) with F [c, h w] the block's activations."""
    flat = block.flatten(2)
    return upper_triangle(flat @ flat.mT / flat.shape[2])
