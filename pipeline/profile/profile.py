"""A profile: one params.yaml of the pipeline, validated, and every path that follows from it.

No torch here: analysis reads the same paths. Paths are relative to the repository's root. What analysis alone needs
is in analysis.study.settings, so that a change there runs no sampling again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from pipeline.profile.sections import (
    EncoderParams,
    PromptParams,
    ReferenceParams,
    SamplingParams,
    SourceParams,
    StyleClassifierParams,
)
from repulsion.core.compute import ComputeParams
from repulsion.core.errors import BadInput, require_unique
from repulsion.core.files import require_id
from repulsion.core.settings import Device, Names, Text, load, settings

# Folders of results/ that are no profile's.
OTHER_RESULTS = ("validation", "world", "drawn_world", "drawn_validation", "carry_over", "leaderboard")


@settings
class Profile:
    """`world` is one of pipeline.world.worlds.WORLDS, or null. `model` is a folder in diffusers' format, and `source`
    where `make fetch` gets it, or null. `methods` are rows of `methods_file` and `references` keys of `reference_sets`;
    `image_sets` is both, in this order (DVC's templates cannot join two lists). `analysis` is validated by
    analysis.study.settings."""

    profile: str
    root: str
    here: str
    world: Text | None
    device: Device
    model: Text
    source: SourceParams | None
    compute: ComputeParams
    methods_file: Text
    methods: Names
    references: Names
    image_sets: Names
    prompts: PromptParams
    sampling: SamplingParams
    reference_sets: Annotated[dict[str, ReferenceParams], Field(min_length=1)]
    style_classifier: StyleClassifierParams
    encoder: EncoderParams
    analysis: dict[str, Any]

    def __post_init__(self) -> None:
        require_id(self.profile, "profile")
        if self.profile in OTHER_RESULTS:
            raise BadInput(f"profile: results/{self.profile} holds other results; expected another name")
        if self.world is None and self.prompts.artists is None:
            raise BadInput("prompts: artists: expected names where world is null, got null")
        for name in self.image_sets:
            require_id(name, "image_sets")
        require_unique(self.image_sets, "image_sets")
        if self.image_sets != self.methods + self.references:
            raise BadInput(f"image_sets: expected methods, then references, got {', '.join(self.image_sets)}")
        if unknown := [name for name in self.references if name not in self.reference_sets]:
            raise BadInput(f"references: unknown {unknown[0]!r}; expected some of {', '.join(self.reference_sets)}")
        self.require_different_seeds()

    def require_different_seeds(self) -> None:
        """Raise BadInput for two sets that would start from the same noise and so be no independent draws: a floor with
        the reference's seed is the reference itself."""
        taken = {(False, self.sampling.seed): "sampling"}
        for name in self.references:
            p = self.reference_sets[name]
            key = p.kind == "rendered", p.seed  # renders draw scenes, not noise
            if key in taken:
                raise BadInput(
                    f"reference_sets: {name}: seed: expected another one than that of {taken[key]}, got {p.seed}"
                )
            taken[key] = name

    def images_per_prompt(self, name: str, artists: int) -> int:
        """How many images a set has of each prompt; a reference has some by each artist."""
        return (
            self.reference_sets[name].images_per_artist * artists if name in self.references else self.sampling.images
        )

    def images(self, name: str, prompt_ids: list[str], artists: int) -> list[tuple[str, int]]:
        """The images (prompt_id, index) that a set has, in its manifest's order."""
        return [(q, k) for q in prompt_ids for k in range(self.images_per_prompt(name, artists))]

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


Kind = TypeVar("Kind", bound=Profile)


def read_profile(path: Path, kind: type[Kind] = Profile) -> Kind:
    """The profile of a params.yaml. Raises BadInput for one whose own `here`, `root` or `profile` is not its
    folder's, as in a copy of another profile: it would run that one, or overwrite its results."""
    profile = load(kind, path)
    if path.is_absolute():
        return profile
    for name, expected, received in (
        ("here", path.parent, Path(profile.here)),
        ("root", Path("."), Path(os.path.normpath(path.parent / profile.root))),
        ("profile", path.parent.name or profile.profile, profile.profile),
    ):
        if received != expected:
            place = expected if isinstance(expected, str) else f"{expected}/"
            raise BadInput(f"{path}: {name}: expected {place!r}, got {getattr(profile, name)!r}")
    return profile
