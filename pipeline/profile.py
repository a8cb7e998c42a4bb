"""A profile: one params.yaml of the pipeline, checked, and every path that follows from it.

No torch here: analysis reads the same paths. Paths are relative to the repository's root. What analysis alone needs
stands in analysis.settings, so that a change there runs no sampling again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.devices import require_known
from pipeline.params import BadInput, load, require_unique
from pipeline.sections import (
    ComputeParams,
    EncoderParams,
    PromptParams,
    ReferenceParams,
    SamplingParams,
    SourceParams,
    StyleClassifierParams,
)

# An id may become a part of a file's name or of a page's address: nothing else than these.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Profile:
    """`model` is a folder in diffusers' format, and `source` where `make fetch` gets it, or null. `methods` are rows of
    `methods_file` and `references` keys of `reference_sets`; `sets` is both, in this order (DVC's templates cannot join
    two lists). `analysis` is checked by analysis.settings, which stands below."""

    profile: str
    root: str
    here: str
    device: str
    model: str
    source: SourceParams | None
    compute: ComputeParams
    methods_file: str
    methods: tuple[str, ...]
    references: tuple[str, ...]
    sets: tuple[str, ...]
    prompts: PromptParams
    sampling: SamplingParams
    reference_sets: dict[str, ReferenceParams]
    style_classifier: StyleClassifierParams
    encoder: EncoderParams
    analysis: dict[str, Any]

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

    @property
    def failed(self) -> Path:
        return self.results / "failed.json"

    def samples(self, name: str) -> Path:
        return self.results / "samples" / f"{name}.zip"

    def features(self, name: str) -> Path:
        return self.results / "features" / f"{name}.npz"


def require_id(value: str, where: str) -> None:
    if not ID.fullmatch(value):
        raise BadInput(f"{where}: expected letters, digits, - and _ (64 at most), got {value!r}")


Kind = TypeVar("Kind", bound=Profile)


def read_profile(path: Path, kind: type[Kind] = Profile) -> Kind:
    """The profile of a params.yaml. Raises BadInput for one that says of itself that it stands elsewhere, as a copy of
    another profile's does: it would run that one."""
    profile = load(kind, path)
    if not path.is_absolute() and path.parent != Path(profile.here):
        raise BadInput(f"{path}: here: expected '{path.parent}/', got {profile.here!r}")
    return profile
