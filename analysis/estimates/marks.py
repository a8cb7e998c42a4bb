"""Which metrics are not to be trusted at a profile's number of images, by the study of small n."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from analysis.study.inputs import table_at
from analysis.study.settings import Study
from analysis.study.shipped import LEAST_N, SEES


@cache
def least(path: Path) -> pd.DataFrame:
    return table_at(path, [["encoder", "metric", "space"], ["factor"]], [], "make validate", ["n"])


def tested(study: Study) -> bool:
    """Whether the metrics' validation was of this study's encoder."""
    return least(study.validated(LEAST_N))["encoder"].iloc[0] == study.encoder.weights


def weak(study: Study, metric: str, space: str) -> bool | None:
    """Whether a metric in a space ranks a less diverse set wrongly too often at this many images for each prompt, for a
    factor that the space should see: one of the two is enough in the general space. None for what was not tested:
    another encoder, or a metric that says nothing of diversity."""
    table = least(study.validated(LEAST_N))
    rows = table[(table["metric"] == metric) & (table["space"] == space) & (table["encoder"] == study.encoder.weights)]
    if own := SEES.get(space.split("_")[0]):
        rows = rows[rows["factor"] == own]
    if rows.empty:
        return None
    enough = rows["n"] <= study.sampling.particles * study.sampling.sets_per_prompt  # never, where no n is enough
    return not bool(enough.all())
