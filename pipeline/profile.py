"""A profile: one params.yaml of the pipeline, checked, and every path that follows from it.

No torch here: analysis reads the same paths. Paths are relative to the repository's root.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.devices import require_known
from pipeline.params import BadInput, load, require_unique
from pipeline.sections import (
    DistanceParams,
    EncoderParams,
    PromptParams,
    ReferenceParams,
    SamplingParams,
    StyleClassifierParams,
    Tolerances,
)

# An id may become a part of a file's name or of a page's address: nothing else than these.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Profile:
    """`methods` are rows of `methods_file` and `references` keys of `reference_sets`; `sets` is both, in this order
    (DVC's templates cannot join two lists)."""

    profile: str
    root: str
    here: str
    device: str
    model: str
    methods_file: str
    methods: tuple[str, ...]
    references: tuple[str, ...]
    sets: tuple[str, ...]
    prompts: PromptParams
    sampling: SamplingParams
    reference_sets: dict[str, ReferenceParams]
    style_classifier: StyleClassifierParams
    encoder: EncoderParams
    distances: DistanceParams
    check: dict[str, Tolerances]

    def __post_init__(self) -> None:
        require_id(self.profile, "profile")
        require_known(self.device)
        for name in self.sets:
            require_id(name, "sets")
        require_unique(self.sets, "sets")
        if self.sets != self.methods + self.references:
            raise BadInput(f"sets: expected methods, then references, got {', '.join(self.sets)}")
        if unknown := [name for name in self.references if name not in self.reference_sets]:
            raise BadInput(f"references: unknown {unknown[0]!r}; expected some of {', '.join(self.reference_sets)}")
        p = self.distances
        for part, choices in (
            ("reference", self.references),
            ("floor", self.references),
            ("baseline", self.methods),
            ("realism", self.references),
        ):
            if (name := getattr(p, part)) not in choices:
                raise BadInput(f"distances: {part}: unknown set {name!r}; expected one of {', '.join(choices)}")
        if p.floor == p.reference:
            raise BadInput(f"distances: floor: expected another set than the reference, got {p.floor!r} for both")
        if self.sampling.particles * self.sampling.sets < 2:
            raise BadInput("sampling: expected at least 2 images for each prompt, got one set of one particle")

    @property
    def results(self) -> Path:
        return Path("results") / self.profile

    @property
    def scratch(self) -> Path:
        return Path("scratch") / self.profile

    @property
    def times(self) -> Path:
        return self.scratch / "times.jsonl"

    @property
    def prompts_file(self) -> Path:
        return self.results / "prompts.csv"

    @property
    def artists_file(self) -> Path:
        return self.results / "artists.csv"

    @property
    def classifier_accuracy(self) -> Path:
        return self.results / "style_classifier" / "accuracy.csv"

    @property
    def classifier_loss(self) -> Path:
        return self.results / "style_classifier" / "loss.csv"

    @property
    def story(self) -> Path:
        return self.results / "story.csv"

    def samples(self, name: str) -> Path:
        return self.results / "samples" / f"{name}.zip"

    def features(self, name: str) -> Path:
        return self.results / "features" / f"{name}.npz"

    def distances_file(self, name: str) -> Path:
        return self.results / "distances" / f"{name}.json"

    @property
    def tables(self) -> Path:
        return self.results / "tables"

    @property
    def summary(self) -> Path:
        return self.results / "summary.json"

    @property
    def gap_plot(self) -> Path:
        return self.results / "gap_closed.csv"

    @property
    def figures(self) -> Path:
        return self.results / "figures"

    @property
    def report(self) -> Path:
        return self.results / "report"

    @property
    def expected(self) -> Path:
        return Path(self.here) / "expected.csv"


def require_id(value: str, where: str) -> None:
    if not ID.fullmatch(value):
        raise BadInput(f"{where}: expected letters, digits, - and _ (64 at most), got {value!r}")


def read_profile(path: Path) -> Profile:
    """The profile of a params.yaml. Raises BadInput for one that says of itself that it stands elsewhere, as a copy of
    another profile's does: it would run that one."""
    profile = load(Profile, path)
    if not path.is_absolute() and path.parent != Path(profile.here):
        raise BadInput(f"{path}: here: expected '{path.parent}/', got {profile.here!r}")
    return profile
