"""Settings of the metrics' validation: image sets with one factor dialled. No torch here: analysis reads them too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from repulsion.core.errors import BadInput, require_unique
from repulsion.core.settings import Count, Names, NotNegative, Seed, Share, Text, load, settings

DIALS = ("artists", "places", "corruption")
RENDERED = 32  # images of a set whose render error is taken: it costs sixteen renders each


@settings
class SizeSettings:
    """For the study of small n: sets of `n` images, at most `repeats` of a subject and all of them different images of
    a pool of max(n); `reference` images to compare with. `artists` and `places`: the less diverse sets' dials."""

    subjects: Names
    n: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(min_length=1)]
    repeats: Annotated[int, Field(ge=2)]
    reference: Annotated[int, Field(ge=2)]
    artists: Annotated[float, Field(ge=1)]
    places: Share

    def __post_init__(self) -> None:
        require_unique(self.subjects, "subjects")
        if list(self.n) != sorted(set(self.n)):
            raise BadInput(f"n: expected rising numbers, got {list(self.n)}")


@settings
class DialSettings:
    """Sets of `images` images, `repeats` for each subject and position of a dial. `artists`: how many, from 1;
    `places`: share of the range of places; `corruption`: standard deviation of added noise, in shares of the range of
    colours. The factor that is not dialled stays at its end: all artists, all places, no noise."""

    world: Text
    results: Text
    encoder: Text
    subjects: Names
    images: Annotated[int, Field(ge=8)]
    repeats: Count
    dials: dict[str, tuple[NotNegative, ...]]
    sizes: SizeSettings
    seed: Seed

    def __post_init__(self) -> None:
        require_unique(self.subjects, "subjects")
        if tuple(self.dials) != DIALS:
            raise BadInput(f"dials: expected {', '.join(DIALS)}, got {', '.join(self.dials)}")
        for name, positions in self.dials.items():
            if list(positions) != sorted(set(positions)) or len(positions) < 3:
                raise BadInput(f"dials: {name}: expected at least 3 rising positions, got {list(positions)}")
        if any(k != int(k) or k < 1 for k in self.dials["artists"]):
            raise BadInput(f"dials: artists: expected whole numbers from 1, got {list(self.dials['artists'])}")
        if self.dials["corruption"][0] != 0:
            raise BadInput(f"dials: corruption: expected 0 first, got {list(self.dials['corruption'])}")
        if self.dials["places"][-1] > 1:
            raise BadInput(f"dials: places: expected shares in [0, 1], got {list(self.dials['places'])}")

    @property
    def full(self) -> dict[str, float]:
        """Every dial where the set is most diverse and not corrupted."""
        return {"artists": self.dials["artists"][-1], "places": self.dials["places"][-1], "corruption": 0.0}


def sets_of(part: str, p: DialSettings) -> dict[str, tuple[int, dict[str, float]]]:
    """Every set of one subject: its name, how many images, and its dials."""
    if part == "sizes":
        s, n = p.sizes, p.sizes.n[-1]
        less = {"full": {}, "artists": {"artists": s.artists}, "places": {"places": s.places}}
        return {"reference": (s.reference, p.full)} | {name: (n, p.full | dial) for name, dial in less.items()}
    sets = {}
    for repeat in range(p.repeats):
        sets[f"reference-{repeat}"] = p.images, p.full
        for dial, positions in p.dials.items():
            for k, position in enumerate(positions):
                sets[f"{dial}-{repeat}-{k}"] = p.images, p.full | {dial: position}
    return sets


def features_path(p: DialSettings, part: str, subject: str) -> Path:
    """One subject's features of a part of the study, `dials` or `sizes`."""
    return Path("scratch") / Path(p.results).name / part / f"{subject}.npz"


def read_settings(path: Path) -> DialSettings:
    return load(DialSettings, path)
