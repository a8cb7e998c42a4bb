"""What the page says of each method: its gain, what quality it costs, whether the margins hold; and the best of all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.estimates.estimates import GAIN_METRIC, GAIN_SPACES, Estimate, estimates, gains, gap_estimates
from analysis.estimates.quality import holds, margin_estimates, margin_used
from analysis.paper.definitions import meaning
from analysis.paper.labels import label
from analysis.paper.printing import printed, three_digits
from analysis.paper.web.tables import Cell, Column, Row, Table
from analysis.study.results import PASSES, passes_per_image
from analysis.study.settings import Study
from repulsion.core.files import read_yaml

COUNTS = ("effective_artists", "place_spread")


@dataclass(frozen=True)
class Measured:
    """A method, or the reference drawn again: gain and its shares of the gap by space, counts by name, the part of its
    margins that is used (0 is plain sampling, 1 the margin), passes of plain sampling's, backward ones included."""

    name: str
    is_method: bool
    gain: Estimate
    shares: dict[str, Estimate]
    counts: dict[str, Estimate]
    used: float
    held: bool
    passes: float
    repels: bool

    @property
    def is_measured(self) -> bool:
        """Whether it has a place in the plane of gain and quality: where plain sampling is no farther from the
        reference than the floor is, there is no gap to close."""
        return math.isfinite(self.gain.value) and math.isfinite(self.used)


def measured(results: pd.DataFrame, study: Study) -> list[Measured]:
    """Every method, plain sampling too, and the reference drawn again, in the profile's order."""
    p = study.analysis
    shares = {space: gap_estimates(results, study, GAIN_METRIC, space) for space in GAIN_SPACES}
    counts = {name: estimates(results, name) for name in COUNTS if (results["metric"] == name).any()}
    gain, quality, rows = gains(shares), margin_estimates(results, study), read_yaml(Path(study.methods_file))
    passes = passes_per_image(study)
    plain = passes.loc[p.baseline, PASSES["denoiser_passes"]]

    def quality_of(name: str) -> dict[str, dict[str, Estimate]]:
        """Without what is a distance to this very set."""
        return {metric: by for metric, by in quality.items() if name in by}

    return [
        Measured(
            name,
            name in study.methods,
            gain[name],
            {space: by[name] for space, by in shares.items()},
            {count: by[name] for count, by in counts.items()},
            margin_used({metric: by[name] for metric, by in quality_of(name).items()}, p.margins).value,
            name == p.baseline or holds(quality_of(name), name, p.margins),
            float(passes.loc[name].sum() / plain) if name in study.methods else math.nan,
            bool(rows.get(name, {}).get("repel")),
        )
        for name in (*study.methods, p.floor)
    ]


def best(found: list[Measured], study: Study) -> Measured | None:
    """The method with the largest gain of those within every margin; none where no gain can be told."""
    others = [one for one in found if one.is_method and one.name != study.analysis.baseline and one.is_measured]
    return max((one for one in others if one.held), key=lambda one: one.gain.value, default=None)


def opening(found: list[Measured], study: Study) -> str:
    """The set that the page shows beside plain sampling at first: the best within the margins; where there is none, the
    method with the largest gain, or the profile's last."""
    others = [one for one in found if one.is_method and one.name != study.analysis.baseline]
    if one := best(found, study):
        return one.name
    known = [one for one in others if one.is_measured]
    return max(known, key=lambda one: one.gain.value).name if known else study.methods[-1]


CAPTION = (
    "Gain is the share of the gap between plain sampling and the reference that a method closes, by the unbiased "
    "squared MMD, mean of three feature spaces; margin used is of the quality that suffers most. Methods in grey do "
    "not hold every margin. Brackets are 95% intervals."
)


def methods_table(found: list[Measured], study: Study) -> Table:
    """The scatter's numbers as a table: a row for each method, which leads to its pictures."""
    methods = [one for one in found if one.is_method]
    counts = list(methods[0].counts)
    columns = [Column("method"), Column("gain", "gain")]
    columns += [Column(label(space), *meaning(space, "gap")) for space in GAIN_SPACES]
    columns += [Column(label(name), name) for name in counts]
    columns += [Column("margin used", "margin used"), Column("passes", "passes with backward"), Column("margins")]
    rows = []
    for one in methods:
        numbers = [one.gain, *one.shares.values(), *one.counts.values()]
        cells = [Cell(label(one.name)), *(Cell(printed(number), number.value) for number in numbers)]
        cells += [Cell(three_digits(value), value) for value in (one.used, one.passes)]
        rows.append(Row([*cells, Cell("hold" if one.held else "do not")], one.name, not one.held))
    rows.sort(key=lambda row: (row.out, -np.nan_to_num(row.cells[1].value, nan=-np.inf)))
    return Table("methods", "The methods of this profile", CAPTION, columns, rows)
