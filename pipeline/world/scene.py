"""Scenes of a world, and the two distributions over them.

A scene is a subject, an artist, a place (x, y), a size and a phase of the ground's texture. Scenes are held as columns,
one tensor per factor. Lengths are shares of the image's side; y points down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pipeline.world.worlds import World

IMAGE_SIZE = 64  # pixels
PLACE_LOW, PLACE_HIGH = 0.28, 0.72
SIZE_LOW, SIZE_HIGH = 0.24, 0.32
HUDDLE_STD = 0.06  # where no artist is named, places are normal around the middle, cut to the range above
ZIPF_EXPONENT = 1.2  # and the artist of rank r is painted in proportion to r^-1.2


@dataclass(frozen=True)
class Scenes:
    """n scenes as columns: `subject` and `artist` index the world's; `place` is (x, y); `phase` in turns."""

    subject: Int[Tensor, " n"]
    artist: Int[Tensor, " n"]
    place: Float[Tensor, "n 2"]
    size: Float[Tensor, " n"]
    phase: Float[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.subject)

    def __getitem__(self, index: Tensor | slice) -> Scenes:
        return Scenes(*(column[index] for column in self.columns()))

    def columns(self) -> tuple[Tensor, ...]:
        return self.subject, self.artist, self.place, self.size, self.phase


def popular_shares(world: World) -> Float[Tensor, " artists"]:
    """Artist shares where none is named: Zipf with exponent 1.2 over the world's order. They sum to 1."""
    weights = torch.arange(1, len(world.artists) + 1, dtype=torch.float64) ** -ZIPF_EXPONENT
    return (weights / weights.sum()).float()


def uniform_places(n: int, generator: torch.Generator) -> Float[Tensor, "n 2"]:
    return PLACE_LOW + (PLACE_HIGH - PLACE_LOW) * torch.rand(n, 2, generator=generator)


def huddled_places(n: int, generator: torch.Generator) -> Float[Tensor, "n 2"]:
    """Normal around the middle with standard deviation HUDDLE_STD, cut to the place range (inverse CDF)."""
    reach = (PLACE_HIGH - PLACE_LOW) / 2
    edge = math.erf(reach / HUDDLE_STD / math.sqrt(2))
    u = torch.rand(n, 2, generator=generator, dtype=torch.float64) * 2 - 1
    offset = torch.erfinv(u * edge) * math.sqrt(2) * HUDDLE_STD
    return ((PLACE_LOW + PLACE_HIGH) / 2 + offset.clamp(-reach, reach)).float()


def scenes(
    subject: Int[Tensor, " n"], artist: Int[Tensor, " n"], place: Float[Tensor, "n 2"], generator: torch.Generator
) -> Scenes:
    """Scenes with the given subjects, artists and places; size and phase are uniform in every distribution."""
    n = len(subject)
    size = SIZE_LOW + (SIZE_HIGH - SIZE_LOW) * torch.rand(n, generator=generator)
    return Scenes(subject, artist, place, size, torch.rand(n, generator=generator))


def random_subjects(world: World, n: int, generator: torch.Generator) -> Int[Tensor, " n"]:
    return torch.randint(len(world.subjects), (n,), generator=generator)


def max_diversity(world: World, subject: Int[Tensor, " n"], generator: torch.Generator) -> Scenes:
    """The maximum-diversity truth, and the world of a named artist: artists and places uniform."""
    artist = torch.randint(len(world.artists), (len(subject),), generator=generator)
    return scenes(subject, artist, uniform_places(len(subject), generator), generator)


def popular(world: World, subject: Int[Tensor, " n"], generator: torch.Generator) -> Scenes:
    """The world of a prompt without an artist: long-tailed artists, places that huddle in the middle."""
    artist = torch.multinomial(popular_shares(world), len(subject), replacement=True, generator=generator)
    return scenes(subject, artist, huddled_places(len(subject), generator), generator)


def without_unseen(world: World, drawn: Scenes, draw: Callable[..., Scenes], generator: torch.Generator) -> Scenes:
    """The scenes, with other artists by `draw` (`max_diversity` or `popular`) in place of the world's unseen pairs: for
    the training of an autoencoder or a denoiser."""
    if not world.unseen:
        return drawn
    unseen = torch.zeros(len(world.subjects), len(world.artists), dtype=torch.bool)
    for subject, artist in world.unseen:
        unseen[world.subjects.index(subject), world.artists.index(artist)] = True
    artist = drawn.artist.clone()
    while (odd := unseen[drawn.subject, artist]).any():
        artist[odd] = draw(world, drawn.subject[odd], generator).artist
    return replace(drawn, artist=artist)
