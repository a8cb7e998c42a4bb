"""Root mean square difference of an image from the nearest render of the scene that was read in it."""

from __future__ import annotations

from itertools import product

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from pipeline.world.render import render
from pipeline.world.scene import PLACE_HIGH, PLACE_LOW, SIZE_HIGH, SIZE_LOW, Scenes

SIZES, PHASES = 4, 4  # tried for each image: what the readout does not read


def render_error(
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
    n, seen = len(images), images.float() / 255
    place = place.clamp(PLACE_LOW, PLACE_HIGH)
    nearest = torch.full((n,), float("inf"))
    sizes = SIZE_LOW + (SIZE_HIGH - SIZE_LOW) * (torch.arange(SIZES) + 0.5) / SIZES
    for size, phase in product(sizes.tolist(), (torch.arange(PHASES) / PHASES).tolist()):
        scene = Scenes(subject, artist, place, torch.full((n,), size), torch.full((n,), phase))
        error = (render(scene).float() / 255 - seen).square().mean((1, 2, 3)).sqrt()
        nearest = torch.minimum(nearest, error)
    return nearest
