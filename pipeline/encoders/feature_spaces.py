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
    outer product of means). Beside these: location_shape [k l], the location map less its mean, over its norm: where,
    not how strongly; gram [c (c + 1) / 2], the mean over space of the early block's outer products (Gatys et al. 2016),
    which the thesis's is not. results/validation says how well each separates place from style.
    """
    location = middle.mean(1).flatten(1)
    shape = location - location.mean(1, keepdim=True)
    return {
        "general": pooled,
        "location": location,
        "style": outer_product_of_means(early),
        "location_shape": shape / shape.norm(dim=1, keepdim=True).clamp(min=1e-12),
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


def candidate_vectors(
    early: Float[Tensor, "n c h w"], middle: Float[Tensor, "n d k l"], pooled: Float[Tensor, "n p"]
) -> dict[str, Float[Tensor, "n _"]]:
    """feature_vectors, and other definitions of the same two ideas, for the metrics' validation to compare.

    location_border [k l]: how far each place of the middle block is from the mean of the block's border, as a share of
    the whole. gram_centred [c (c + 1) / 2]: the early block's covariance over space. style_middle [d]: the middle block
    averaged over space.
    """
    edge = [middle[:, :, 0], middle[:, :, -1], middle[:, :, 1:-1, 0], middle[:, :, 1:-1, -1]]
    border = (middle - torch.cat(edge, 2).mean(2)[..., None, None]).square().sum(1).flatten(1)
    return feature_vectors(early, middle, pooled) | {
        "location_border": border / border.sum(1, keepdim=True),
        "gram_centred": gram(early - early.mean((2, 3), keepdim=True)),
        "style_middle": middle.mean((2, 3)),
    }
