"""Scenes -> 64x64 images, by the world's own renderer. Images are uint8 NCHW RGB in [0, 255]."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pipeline.world.drawn import draw
from pipeline.world.painted import paint
from pipeline.world.scene import Scenes
from pipeline.world.worlds import World

Colours = Float[Tensor, "n 3 64 64"]


@dataclass(frozen=True)
class Renderer:
    """`colours` of scenes, around [0, 1]; `variants(subject, artist, place, sizes, phases)`: the same scenes in every
    size and phase of a grid, at less cost than one by one."""

    colours: Callable[[Scenes], Colours]
    variants: Callable[[Tensor, Tensor, Tensor, list[float], list[float]], Iterator[Colours]]


RENDERERS = {
    "painted": Renderer(paint.paint, paint.variants),
    "drawn": Renderer(draw.draw, draw.variants),
}


def render(world: World, scenes: Scenes, batch: int = 32) -> UInt8[Tensor, "n 3 64 64"]:
    """The scenes as images; the same scene gives the same bytes in any batch."""
    colours = RENDERERS[world.name].colours
    return to_bytes(torch.cat([colours(scenes[slice(k, k + batch)]) for k in range(0, len(scenes), batch)]))


def to_bytes(colours: Colours) -> UInt8[Tensor, "n 3 64 64"]:
    """Colours as bytes; what reaches past [0, 1] is cut."""
    return (colours * 255).round().clamp(0, 255).to(torch.uint8)
