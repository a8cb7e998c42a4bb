"""Settings of the metrics' validation: image sets with one factor dialled. No torch here: analysis reads them too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.params import BadInput, load, require_at_least, require_unique

DIALS = ("artists", "places", "corruption")


@dataclass(frozen=True)
class SizeSettings:
    """For the study of small n: sets of `n` images, at most `repeats` of a subject and all of them different images of
    a pool of max(n); `reference` images to compare with. `artists` and `places`: the less diverse sets' dials."""

    subjects: tuple[str, ...]
    n: tuple[int, ...]
    repeats: int
    reference: int
    artists: float
    places: float

    def __post_init__(self) -> None:
        if list(self.n) != sorted(set(self.n)):
            raise BadInput(f"n: expected rising numbers, got {list(self.n)}")
        for name in ("repeats", "reference"):
            require_at_least(name, getattr(self, name), 2)


@dataclass(frozen=True)
class DialSettings:
    """Sets of `images` images, `repeats` for each subject and position of a dial. `artists`: how many, from 1;
    `places`: share of the range of places; `corruption`: standard deviation of added noise, in shares of the range of
    colours. The factor that is not dialled stays at its end: all artists, all places, no noise."""

    encoder: str
    subjects: tuple[str, ...]
    images: int
    repeats: int
    dials: dict[str, tuple[float, ...]]
    sizes: SizeSettings
    seed: int

    def __post_init__(self) -> None:
        require_at_least("images", self.images, 8)
        require_at_least("repeats", self.repeats, 1)
        require_unique(self.subjects, "subjects")
        if tuple(self.dials) != DIALS:
            raise BadInput(f"dials: expected {', '.join(DIALS)}, got {', '.join(self.dials)}")
        for name, positions in self.dials.items():
            if list(positions) != sorted(set(positions)) or len(positions) < 3:
                raise BadInput(f"dials: {name}: expected at least 3 rising positions, got {list(positions)}")

    @property
    def full(self) -> dict[str, float]:
        """Every dial where the set is most diverse and not corrupted."""
        return {"artists": self.dials["artists"][-1], "places": self.dials["places"][-1], "corruption": 0.0}


SCRATCH = Path("scratch/validation")
RESULTS = Path("results/validation")


def features_of(part: str, subject: str) -> Path:
    """One subject's features of a part of the study, `dials` or `sizes`."""
    return SCRATCH / part / f"{subject}.npz"


def read_settings(path: Path) -> DialSettings:
    return load(DialSettings, path)
