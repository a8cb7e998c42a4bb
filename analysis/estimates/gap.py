"""How much of the way from plain sampling to the reference a method goes: the number that travels between worlds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

# The thesis's Fréchet distances (slides, 2023): per prompt in the general space, means over prompts in the two others.
PUBLISHED_FILE = Path(__file__).parent / "claims" / "published.csv"
PUBLISHED_PLAIN, PUBLISHED_FLOOR = "min_div", "max_div2"
Distance = float | Float[np.ndarray, " n"] | pd.Series


def gap_closed(distance: Distance, baseline: Distance, floor: Distance) -> Distance:
    """(d_baseline - d) / (d_baseline - d_floor) of distances to the reference: 0 for plain sampling, 1 for the
    reference drawn again, negative for what moves away; nan where the baseline is no farther than the floor."""
    gap = baseline - floor
    return (baseline - distance) / np.where(gap > 0, gap, np.nan)


def published_gap_closed(baseline: str) -> pd.DataFrame:
    """The thesis's shares: a row for each method (plain sampling as `baseline`), a column for each space; empty where
    nothing was published."""
    table = pd.read_csv(PUBLISHED_FILE)
    means = table.groupby(["method", "space"], sort=False)["frechet"].mean().unstack()
    shares = means.apply(lambda d: gap_closed(d, d[PUBLISHED_PLAIN], d[PUBLISHED_FLOOR]))
    return shares.rename(index={PUBLISHED_PLAIN: baseline})
