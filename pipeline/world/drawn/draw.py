"""Scenes of the drawn world -> 64x64 colours, NCHW RGB in [0, 1]: an icon on a plain ground."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from pipeline.world.drawn.concepts import CONCEPTS, SETS
from pipeline.world.scene import IMAGE_SIZE, Scenes
from repulsion.core.errors import BadInput, one_line

ICONS = Path(__file__).parent / "icons"  # a sheet for each set, see icons.py
ICON_SIZE = 96  # pixels
COLUMNS = 6  # of a sheet
FRAME = 1.25  # half a side of an icon in units of the scene's size: most icons leave a margin
GROUND = 0.88  # a light grey, on which white and black both show
TINT = (0.10, 0.0, -0.10)  # how far red, green and blue run over the image's side, in the direction of the phase


def sheet_of(name: str) -> Float[np.ndarray, "h w 4"]:
    """A set's sheet, RGBA in [0, 1]."""
    path = ICONS / f"{name}.png"
    try:
        return np.asarray(Image.open(path).convert("RGBA"), np.float32) / 255
    except OSError as error:  # Pillow's own errors, too
        raise BadInput(f"{path}: cannot be read ({one_line(error)}); make icons writes it") from None


@lru_cache(maxsize=1)
def atlas() -> Float[Tensor, "concepts sets 4 48 48"]:
    """Every concept by every set: colours times opacity, and opacity, in [0, 1]; at half the sheets' size, so that an
    icon of 38 to 51 pixels is read without aliasing. Raises BadInput for a sheet that is missing or damaged."""
    sheets = [sheet_of(name) for name in SETS]
    rows = math.ceil(len(CONCEPTS) / COLUMNS)
    tiles = torch.from_numpy(np.stack(sheets)).view(len(SETS), rows, ICON_SIZE, COLUMNS, ICON_SIZE, 4)
    tiles = tiles.permute(1, 3, 0, 5, 2, 4).reshape(rows * COLUMNS * len(SETS), 4, ICON_SIZE, ICON_SIZE)
    colours, opacity = tiles.split((3, 1), 1)
    halved = avg_pool2d(torch.cat([colours * opacity, opacity], 1), 2)
    return halved.view(rows * COLUMNS, len(SETS), 4, ICON_SIZE // 2, ICON_SIZE // 2)[: len(CONCEPTS)]


@lru_cache(maxsize=1)
def axes() -> tuple[Float[Tensor, "64 64"], Float[Tensor, "64 64"]]:
    """(u, v) of the pixels' centres, in shares of the image's side."""
    axis = (torch.arange(IMAGE_SIZE) + 0.5) / IMAGE_SIZE
    v, u = torch.meshgrid(axis, axis, indexing="ij")
    return u, v


def ground(phase: Float[Tensor, " n"]) -> Float[Tensor, "n 3 64 64"]:
    """A plain ground whose tint drifts from cold to warm in the direction of the phase (in turns)."""
    u, v = axes()
    turn = (2 * math.pi * phase).view(-1, 1, 1)
    run = (u - 0.5) * torch.cos(turn) + (v - 0.5) * torch.sin(turn)
    return GROUND + torch.tensor(TINT).view(1, 3, 1, 1) * run.unsqueeze(1)


def icon(
    subject: Int[Tensor, " n"], artist: Int[Tensor, " n"], place: Float[Tensor, "n 2"], size: Float[Tensor, " n"]
) -> Float[Tensor, "n 4 64 64"]:
    """The icons at their places: colours times opacity, and opacity."""
    u, v = axes()
    x, y = place.view(-1, 2, 1, 1).unbind(1)
    grid = torch.stack([u - x, v - y], -1) / (FRAME * size.view(-1, 1, 1, 1))
    return grid_sample(atlas()[subject, artist], grid, padding_mode="zeros", align_corners=False)


def over(icons: Float[Tensor, "n 4 64 64"], ground: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n 3 64 64"]:
    """Icons on a ground (Porter & Duff 1984, "over", with colours that hold their opacity)."""
    return icons[:, :3] + (1 - icons[:, 3:]) * ground


def draw(scenes: Scenes) -> Float[Tensor, "n 3 64 64"]:
    """The scenes as colours in [0, 1]."""
    return over(icon(scenes.subject, scenes.artist, scenes.place, scenes.size), ground(scenes.phase))


def variants(
    subject: Int[Tensor, " n"],
    artist: Int[Tensor, " n"],
    place: Float[Tensor, "n 2"],
    sizes: list[float],
    phases: list[float],
) -> Iterator[Float[Tensor, "n 3 64 64"]]:
    """The scenes in every size and phase."""
    n = len(subject)
    grounds = [ground(torch.full((n,), phase)) for phase in phases]
    for size in sizes:
        drawn = icon(subject, artist, place, torch.full((n,), size))
        for plain in grounds:
            yield over(drawn, plain)
