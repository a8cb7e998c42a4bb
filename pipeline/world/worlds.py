"""The worlds, as names alone: what a scene may show, and by whom. How they look is pipeline.world.render's."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.world.drawn.concepts import DEVELOPMENT_CONCEPTS, SETS, TEST_CONCEPTS, TRANSFER_CONCEPTS, UNSEEN
from pipeline.world.painted.artists import ARTIST_NAMES
from pipeline.world.painted.subjects import DEVELOPMENT_SUBJECTS, TEST_SUBJECTS
from repulsion.core.errors import require_one_of


@dataclass(frozen=True)
class World:
    """`medium` is the noun of its captions. Results are reported on the test subjects, strengths are chosen on the
    development ones; the transfer subjects are in no such prompt, and their `unseen` pairs with an artist are in no
    training of an autoencoder or a denoiser (the evaluation encoder sees all pairs, as it is to read them). `artists`
    stand in the order of popularity."""

    name: str
    medium: str
    test_subjects: tuple[str, ...]
    development_subjects: tuple[str, ...]
    artists: tuple[str, ...]
    transfer_subjects: tuple[str, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        return self.test_subjects + self.development_subjects + self.transfer_subjects


PAINTED = World("painted", "painting", TEST_SUBJECTS, DEVELOPMENT_SUBJECTS, ARTIST_NAMES)
DRAWN = World(
    "drawn",
    "drawing",
    tuple(TEST_CONCEPTS),
    tuple(DEVELOPMENT_CONCEPTS),
    tuple(SETS),
    tuple(TRANSFER_CONCEPTS),
    UNSEEN,
)
WORLDS = {world.name: world for world in (PAINTED, DRAWN)}


def world_of(name: str | None) -> World | None:
    """A profile's world, if it has one. Raises BadInput for an unknown name."""
    if name is None:
        return None
    require_one_of(name, WORLDS, "world")
    return WORLDS[name]


def medium_of(name: str | None) -> str:
    """The noun of a profile's captions: its world's, or the thesis's."""
    return (world_of(name) or PAINTED).medium
