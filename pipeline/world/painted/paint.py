"""Scenes of the painted world -> 64x64 colours, NCHW RGB around [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import grid_sample

from pipeline.world.painted.palette import numbers, palettes
from pipeline.world.painted.silhouettes import ATLAS_EXTENT, atlas
from pipeline.world.scene import IMAGE_SIZE, Scenes

TAU = 2 * math.pi
CAST = 0.035  # how far a shadow falls, down and to the right
ECHO_SPACING = 0.075  # between contour lines
HATCH_FREQUENCY = 9.0  # strokes per image side


def paint(scenes: Scenes) -> Float[Tensor, "n 3 64 64"]:
    """The scenes as colours around [0, 1]: light and texture may reach past it.

    Every artist is one row of numbers, so that a batch of mixed artists is painted by the same formulas: ground and
    texture, then shadow, halo and echoes, then the body and the accent, then outlines.
    """
    ground = ground_of(scenes.artist)
    return subject_on(ground.textured(scenes.phase), subject_of(ground, scenes))


def variants(
    subject: Int[Tensor, " n"],
    artist: Int[Tensor, " n"],
    place: Float[Tensor, "n 2"],
    sizes: list[float],
    phases: list[float],
) -> Iterator[Float[Tensor, "n 3 64 64"]]:
    """The scenes in every size and phase. The texture depends on the phase alone and the subject on the size alone:
    each is painted once."""
    n, ground = len(subject), ground_of(artist)
    textured = [ground.textured(torch.full((n,), phase)) for phase in phases]
    for size in sizes:
        layers = subject_of(ground, Scenes(subject, artist, place, torch.full((n,), size), torch.zeros(n)))
        for image in textured:
            yield subject_on(image, layers)


@dataclass(frozen=True)
class Ground:
    """A picture before its texture and its subject, which depends on the artist alone: where each pixel looks (u, v),
    and colours. `numbers` and `colours` are the artists' rows of the table."""

    numbers: dict[str, Float[Tensor, "n 1 1"]]
    colours: dict[str, Float[Tensor, "n 3 1 1"]]
    u: Float[Tensor, "n 64 64"]
    v: Float[Tensor, "n 64 64"]
    image: Float[Tensor, "n 3 64 64"]

    def textured(self, phase: Float[Tensor, " n"]) -> Float[Tensor, "n 3 64 64"]:
        waves = texture(self.u, self.v, phase.view(-1, 1, 1), self.numbers)
        return self.image + (self.numbers["amplitude"] * waves).unsqueeze(1)


def ground_of(artist: Int[Tensor, " n"]) -> Ground:
    a = {name: column[artist].view(-1, 1, 1) for name, column in numbers().items()}
    colour = {name: column[artist].view(-1, 3, 1, 1) for name, column in palettes().items()}
    u, v = canvas(a["wobble"], a["tile"])
    return Ground(a, colour, u, v, mix(colour["ground_a"], colour["ground_b"], gradient(u, v, a)))


@dataclass(frozen=True)
class Layers:
    """What a subject puts on the ground, in this order: light (1 - shadow), then colours, each with its share of every
    pixel. It does not depend on the texture's phase."""

    light: Float[Tensor, "n 64 64"]
    colours: list[tuple[Float[Tensor, "n 3 #h #w"], Float[Tensor, "n 64 64"]]]


def subject_of(ground: Ground, scenes: Scenes) -> Layers:
    """The subjects of the scenes, drawn by the ground's artists."""
    a, colour, u, v = ground.numbers, ground.colours, ground.u, ground.v
    body, accent = distances(scenes, u, v)
    lit, _ = distances(scenes, u - CAST, v - CAST)  # the body as seen by light from the upper left

    glow = torch.exp(-body.clamp(min=0) / a["halo"].clamp(min=1e-3)) * (a["halo"] > 0) * 0.8
    fade = torch.exp(-(body.clamp(min=0) / 0.16).square())
    echo = a["echo"] * fade * (0.5 + 0.5 * torch.cos(TAU * body / ECHO_SPACING))

    strokes = a["hatch"] * (0.5 + 0.5 * torch.sin(TAU * HATCH_FREQUENCY * (u + v - scenes.place.sum(1).view(-1, 1, 1))))
    slope = a["relief"] * ((lit - body) / CAST).clamp(-1, 1) * torch.exp(-(body / 0.05).square())
    flesh = mix(colour["body"], colour["accent"], 0.55 * strokes) + 0.4 * slope.unsqueeze(1)
    gathered = a["rim"] * torch.exp(-(body / 0.03).square())
    edge = torch.minimum(body.abs(), accent.abs()) - a["outline"]
    return Layers(
        1 - a["shadow"] * cover(lit, 2 / IMAGE_SIZE),
        [
            (colour["line"], torch.maximum(glow, echo)),
            (mix(flesh, colour["line"], gathered), a["fill"] * cover(body, a["softness"])),
            (colour["accent"], cover(accent, a["softness"])),
            (colour["line"], cover(edge, 2 / IMAGE_SIZE) * (a["outline"] > 0)),
        ],
    )


def subject_on(image: Float[Tensor, "n 3 64 64"], layers: Layers) -> Float[Tensor, "n 3 64 64"]:
    image = image * layers.light.unsqueeze(1)
    for colour, share in layers.colours:
        image = mix(image, colour, share)
    return image


def canvas(wobble: Float[Tensor, "n 1 1"], tile: Float[Tensor, "n 1 1"]) -> tuple[Tensor, Tensor]:
    """Where each pixel looks: its centre, moved by an unsteady hand or to the middle of its tile. [n, 64, 64] each."""
    axis = (torch.arange(IMAGE_SIZE) + 0.5) / IMAGE_SIZE
    v, u = torch.meshgrid(axis, axis, indexing="ij")
    step = tile.clamp(min=1 / IMAGE_SIZE)
    u, v = ((torch.floor(w / step) + 0.5) * step for w in (u, v))  # the identity where a tile is a pixel
    return u + wobble * torch.sin(TAU * 5 * v), v + wobble * torch.sin(TAU * 4 * u + 1)


def distances(
    scenes: Scenes, u: Float[Tensor, "n h w"], v: Float[Tensor, "n h w"]
) -> tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"]]:
    """Signed distances to body and accent at image points (u, v), in shares of the image's side."""
    size = scenes.size.view(-1, 1, 1)
    frame = torch.stack([u - scenes.place[:, 0].view(-1, 1, 1), v - scenes.place[:, 1].view(-1, 1, 1)], -1)
    grid = frame / (size.unsqueeze(-1) * ATLAS_EXTENT)
    found = grid_sample(atlas()[scenes.subject], grid, padding_mode="border", align_corners=False)
    return found[:, 0] * size, found[:, 1] * size


def gradient(u: Float[Tensor, "n h w"], v: Float[Tensor, "n h w"], a: dict[str, Tensor]) -> Float[Tensor, "n h w"]:
    """How far the ground has run from ground_a to ground_b, in [0, 1]."""
    x, y = u - 0.5, v - 0.5
    straight = 0.5 + x * torch.cos(TAU * a["gradient"]) + y * torch.sin(TAU * a["gradient"])
    outwards = (x.square() + y.square()).sqrt() / 0.7
    return torch.where(a["gradient"] < 0, outwards, straight).clamp(0, 1)


def texture(
    u: Float[Tensor, "n h w"], v: Float[Tensor, "n h w"], phase: Float[Tensor, "n 1 1"], a: dict[str, Tensor]
) -> Float[Tensor, "n h w"]:
    """The ground's texture in [-1, 1]; the formula is artists.Artist's."""
    cos, sin = torch.cos(TAU * a["angle"]), torch.sin(TAU * a["angle"])
    s, t = u * cos + v * sin, v * cos - u * sin
    s = torch.where(a["radial"] > 0, (u.square() + (1 - v).square()).sqrt(), s)
    wave = torch.sin(TAU * (a["frequency"] * s + a["bend"] * torch.sin(TAU * a["bend_frequency"] * t) + phase))
    return torch.tanh(a["hardness"] * wave * torch.cos(TAU * a["cross"] * t)) / torch.tanh(a["hardness"])


def cover(distance: Float[Tensor, "n h w"], softness: Float[Tensor, "n 1 1"] | float) -> Float[Tensor, "n h w"]:
    """Share of a pixel that lies inside a shape with an edge of the given width, in [0, 1]."""
    width = torch.as_tensor(softness).clamp(min=2 / IMAGE_SIZE)  # never sharper than two pixels: no stairs
    return (0.5 - distance / width).clamp(0, 1)


def mix(
    a: Float[Tensor, "n 3 #h #w"], b: Float[Tensor, "n 3 #h #w"], share: Float[Tensor, "n h w"]
) -> Float[Tensor, "n 3 h w"]:
    return a + (b - a) * share.unsqueeze(1)
