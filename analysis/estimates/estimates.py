"""Means over prompts with their intervals, from results and one shared draw of particle sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.estimates.gap import gap_closed
from analysis.estimates.intervals import RESAMPLES, interval, resampled, times_drawn
from analysis.study.results import select
from analysis.study.settings import Study

SEED = 0
# The gain that strengths are chosen and methods are ranked by: the share of the gap closed by the unbiased distance,
# mean over these spaces.
GAIN_METRIC, GAIN_SPACES = "mmd", ("general", "location", "style")


@dataclass(frozen=True)
class Estimate:
    """A number, and what it was in every resample."""

    value: float
    draws: Float[np.ndarray, " resamples"]

    @property
    def interval(self) -> tuple[float, float]:
        return interval(self.draws)

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference of two numbers of the same resamples: a paired one."""
        return Estimate(self.value - other.value, self.draws - other.draws)


def estimates(results: pd.DataFrame, metric: str, space: str = "", against: str = "") -> dict[str, Estimate]:
    """A metric's mean over prompts for every set that has it.

    All share one draw of particle sets: methods' sets of one number start from the same noise, so that their
    differences are paired; a reference's parts depend on none of them, whichever are drawn together.
    """
    found = {}
    for name, rows in select(results, metric, space, against).groupby("set", sort=False):
        value = rows["value"].to_numpy(float).mean()  # nan where some prompt has none
        lengths = set(rows["left_out"].map(len))
        if np.isnan(value) or lengths & {0} or len(lengths) > 1:  # one particle set says nothing of its spread
            found[name] = Estimate(value, np.full(RESAMPLES, np.nan))
            continue
        left_out = np.array(rows["left_out"].to_list())
        drawn = times_drawn(*left_out.shape, SEED)
        found[name] = Estimate(value, resampled(rows["value"].to_numpy(float), left_out, drawn))
    return found


def estimates_by_prompt(
    results: pd.DataFrame, metric: str, space: str = "", against: str = ""
) -> dict[str, dict[str, Estimate]]:
    """A metric of every set that has it, prompt by prompt; the resamples are those of `estimates`."""
    found: dict[str, dict[str, Estimate]] = {}
    for name, rows in select(results, metric, space, against).groupby("set", sort=False):
        found[name] = {row.prompt_id: of_prompt(row, k, len(rows)) for k, row in enumerate(rows.itertuples())}
    return found


def of_prompt(row: tuple, k: int = 0, prompts: int = 1) -> Estimate:
    """One row of results, of the k-th of so many prompts; without draws where it has no value or one particle set."""
    if row.value is None or np.isnan(row.value) or not row.left_out:
        return Estimate(np.nan if row.value is None else float(row.value), np.full(RESAMPLES, np.nan))
    left_out = np.array([row.left_out])
    drawn = times_drawn(prompts, left_out.shape[1], SEED)[:, [k]]
    return Estimate(float(row.value), resampled(np.array([row.value]), left_out, drawn))


def gap_estimates(results: pd.DataFrame, study: Study, metric: str, space: str) -> dict[str, Estimate]:
    """Share of the gap closed, of a distance's means over prompts; the gap moves with the resamples too."""
    p = study.analysis
    found = estimates(results, metric, space, p.reference)
    baseline, floor = found[p.baseline], found[p.floor]
    return {
        name: Estimate(
            gap_closed(one.value, baseline.value, floor.value), gap_closed(one.draws, baseline.draws, floor.draws)
        )
        for name, one in found.items()
    }


def mean_of(parts: Sequence[Estimate]) -> Estimate:
    """The mean of numbers of the same resamples."""
    return Estimate(sum(p.value for p in parts) / len(parts), sum(p.draws for p in parts) / len(parts))


def gains(gaps: dict[str, dict[str, Estimate]]) -> dict[str, Estimate]:
    """The gain of each set, of its shares of the gap by space and set."""
    parts = [gaps[space] for space in GAIN_SPACES]
    return {name: mean_of([by[name] for by in parts]) for name in parts[0]}
