"""Signed distances of the subjects (negative inside). Distances rather than masks let an artist draw outlines, halos,
shadows and relief from the same shape.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.world.painted.subjects import SHAPES, SUBJECTS

ATLAS_EXTENT = 2.2  # the atlas covers [-2.2, 2.2] in both axes: far enough for halos and echoes to fade out
ATLAS_SIZE = 176


def segment_distance(
    p: Float[Tensor, "*grid 2"], a: Float[Tensor, "edges 2"], b: Float[Tensor, "edges 2"]
) -> Float[Tensor, "*grid"]:
    """Distance from each point of p to the nearest of the segments a-b."""
    ab = b - a
    ap = p.unsqueeze(-2) - a
    along = ((ap * ab).sum(-1) / (ab * ab).sum(-1)).clamp(0, 1)
    return (ap - along.unsqueeze(-1) * ab).norm(dim=-1).amin(-1)


def signed_distance(shape: dict, p: Float[Tensor, "*grid 2"]) -> Float[Tensor, "*grid"]:
    """Signed distance to one shape: negative inside. Polygons may be concave; inside is by the even-odd rule."""
    points = torch.tensor(shape["points"], dtype=p.dtype)
    if shape["kind"] == "line":
        return segment_distance(p, points[:-1], points[1:]) - shape["radius"]
    a, b = points, points.roll(-1, 0)
    x, y = p[..., :1], p[..., 1:]
    straddles = (a[:, 1] > y) != (b[:, 1] > y)
    rise = torch.where(a[:, 1] == b[:, 1], torch.ones_like(a[:, 1]), b[:, 1] - a[:, 1])  # no 0/0 on level edges
    crossing = a[:, 0] + (y - a[:, 1]) / rise * (b[:, 0] - a[:, 0])
    inside = (straddles & (x < crossing)).sum(-1) % 2 == 1
    return segment_distance(p, a, b) * torch.where(inside, -1.0, 1.0)


@lru_cache(maxsize=1)
def atlas() -> Float[Tensor, "subjects 2 size size"]:
    """Signed distances of every subject's body and accent on a grid over the subject's frame (drawn once)."""
    # Cell centres, as grid_sample with align_corners=False expects.
    axis = (torch.arange(ATLAS_SIZE) + 0.5) / ATLAS_SIZE * 2 * ATLAS_EXTENT - ATLAS_EXTENT
    p = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    layers = [
        torch.stack([signed_distance(s, p) for s in SHAPES[name][layer]]).amin(0)
        for name in SUBJECTS
        for layer in ("body", "accent")
    ]
    return torch.stack(layers).reshape(len(SUBJECTS), 2, ATLAS_SIZE, ATLAS_SIZE)
