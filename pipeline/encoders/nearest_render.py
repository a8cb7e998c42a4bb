"""Root mean square difference of an image from the nearest render of the scene that was read in it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from pipeline.world.render import RENDERERS, to_bytes
from pipeline.world.scene import PLACE_HIGH, PLACE_LOW, SIZE_HIGH, SIZE_LOW
from pipeline.world.worlds import World

SIZES, PHASES = 4, 4  # tried for each image: what the readout does not read
BATCH = 16  # images at once: what is painted of them fits a processor's cache


def render_error(
    world: World,
    images: UInt8[Tensor, "n 3 64 64"],
    subject: Int[Tensor, " n"],
    artist: Int[Tensor, " n"],
    place: Float[Tensor, "n 2"],
) -> Float[Tensor, " n"]:
    """Root mean square difference, in shares of the range of colours, of each image to the nearest of 16 renders of the
    scene that was read in it: its subject, artist and place, over a grid of sizes and texture phases.

    A readout names some artist and some place in any picture, noise included; only a picture of that scene is near its
    render. True renders are not at zero, as sizes and phases lie between the grid's, and some artists' are farther off
    than others': a set with more artists has another mean error.
    """
    place = place.clamp(PLACE_LOW, PLACE_HIGH)
    parts = [slice(k, k + BATCH) for k in range(0, len(images), BATCH)]
    return torch.cat([nearest(world, images[part], subject[part], artist[part], place[part]) for part in parts])


def nearest(
    world: World,
    images: UInt8[Tensor, "n 3 64 64"],
    subject: Int[Tensor, " n"],
    artist: Int[Tensor, " n"],
    place: Float[Tensor, "n 2"],
) -> Float[Tensor, " n"]:
    """`render_error` of a batch."""
    seen, found = images.float() / 255, torch.full((len(images),), float("inf"))
    sizes = (SIZE_LOW + (SIZE_HIGH - SIZE_LOW) * (torch.arange(SIZES) + 0.5) / SIZES).tolist()
    phases = (torch.arange(PHASES) / PHASES).tolist()
    for colours in RENDERERS[world.name].variants(subject, artist, place, sizes, phases):
        error = (to_bytes(colours).float() / 255 - seen).square().mean((1, 2, 3)).sqrt()
        found = torch.minimum(found, error)
    return found
