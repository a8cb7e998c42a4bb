"""Sheets of labelled pictures, for the world's page and the model's card."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from pipeline.world.scene import Scenes, scenes
from pipeline.world.worlds import World
from repulsion.tensors.noise import keyed_generator

LEFT, TOP = 80, 22  # margins for row and column labels, in pixels


def sheet(
    images: UInt8[Tensor, "rows columns 3 h w"], row_labels: list[str], column_labels: list[str], gap_every: int = 0
) -> Image.Image:
    """Images on a labelled white sheet; a thin gap before every `gap_every`-th column where it is not 0."""
    rows, columns, _, h, w = images.shape
    left = LEFT if any(row_labels) else 0
    gaps = [3 * (c // gap_every) if gap_every else 0 for c in range(columns)]
    page = Image.new("RGB", (left + columns * w + gaps[-1], TOP + rows * h), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for r in range(rows):
        draw.text((left - 6, TOP + r * h + h / 2), row_labels[r], "black", font, anchor="rm")
        for c in range(columns):
            tile = Image.fromarray(images[r, c].permute(1, 2, 0).contiguous().numpy())
            page.paste(tile, (left + c * w + gaps[c], TOP + r * h))
    span = columns // len(column_labels)
    for k, label in enumerate(column_labels):
        x = left + k * span * w + gaps[k * span] + span * w / 2
        draw.text((x, TOP / 2), label, "black", font, anchor="mm")
    return page


def pair_scenes(world: World, seed: int) -> Scenes:
    """One scene of every subject by every artist, artists outermost: rows of a sheet are artists."""
    generator = keyed_generator(seed, "pairs", 0)
    artist = torch.arange(len(world.artists)).repeat_interleave(len(world.subjects))
    subject = torch.arange(len(world.subjects)).repeat(len(world.artists))
    return scenes(subject, artist, torch.full((len(subject), 2), 0.5), generator)


def save(page: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, optimize=True)
