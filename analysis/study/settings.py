"""What analysis needs of a profile beside what sampling does: the part each set plays, margins, tolerances, paths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.profile.profile import Profile
from pipeline.profile.prompts import read_artists
from repulsion.core.errors import BadInput
from repulsion.core.files import require_id
from repulsion.core.settings import NotNegative, settings


@settings
class Tolerances:
    """How far `make check` lets a result move: a share of the expected value, an absolute difference, and, for a share
    of images, how many images more or fewer."""

    relative: NotNegative = 0.0
    absolute: NotNegative = 0.0
    images: Annotated[int, Field(ge=0)] = 0


@settings
class AnalysisParams:
    """Which sets play which part. Diversity is measured against `reference` (`floor` is that set drawn again,
    `baseline` is plain sampling), realism against `realism`.

    `margins`: by how much a method's quality may differ from the baseline's, for each quality metric: -0.02 is a fall
    of 0.02 at most, 0.02 a rise of 0.02 at most. `check`: tolerances of `make check`, for each metric. `sweep`: the
    profile whose rows chose the strengths; of a sweep, its own name. `validation`: the folder of results/ and profiles/
    with the metrics' validation.
    """

    reference: str
    floor: str
    baseline: str
    realism: str
    sweep: str
    validation: str
    margins: Annotated[dict[str, float], Field(min_length=1)]
    check: Annotated[dict[str, Tolerances], Field(min_length=1)]

    def __post_init__(self) -> None:
        require_id(self.sweep, "sweep")
        require_id(self.validation, "validation")
        if self.floor == self.reference:
            raise BadInput(f"floor: expected another set than the reference, got {self.floor!r} for both")
        if zero := [name for name, margin in self.margins.items() if margin == 0]:
            raise BadInput(f"margins: {zero[0]}: expected a number that is not 0, whose sign says which way is worse")


@settings
class Study(Profile):
    """A profile with its analysis parameters validated, and the paths of what analysis makes."""

    analysis: AnalysisParams

    def __post_init__(self) -> None:
        super().__post_init__()
        p = self.analysis
        for part, choices in (
            ("reference", self.references),
            ("floor", self.references),
            ("baseline", self.methods),
            ("realism", self.references),
        ):
            if (name := getattr(p, part)) not in choices:
                raise BadInput(f"analysis: {part}: unknown set {name!r}; expected one of {', '.join(choices)}")

    @property
    def artist_count(self) -> int:
        """How many artists the references are by, as stage prompts wrote them."""
        return len(read_artists(self.artists_file))

    def distances_file(self, name: str) -> Path:
        return self.results / "distances" / f"{name}.json"

    def validated(self, name: str) -> Path:
        """A table of the metrics' validation."""
        return Path("results") / self.analysis.validation / f"{name}.csv"

    @property
    def sweep_rows(self) -> Path:
        return Path("results") / self.analysis.sweep / "rows.csv"

    @property
    def sweep_chosen(self) -> Path:
        return Path("results") / self.analysis.sweep / "chosen.csv"

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
