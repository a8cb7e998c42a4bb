"""Whether a metric that sees its factor in one world sees it in another."""

from __future__ import annotations

import pandas as pd

from analysis.study.shipped import seen


def side_by_side(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Spearman's correlation of each metric with the dial that it should see, by world, and the smallest turn of that
    dial that it shows (numbers of artists, or shares of the range of places; empty where even the farthest is not
    shown). A row for each metric in a space that should see one factor.

    `tables` are the worlds' tables `sensitivity` (results/validation), by name.
    """
    columns: dict[str, pd.Series] = {}
    for world, table in tables.items():
        space = table["space"].fillna("")
        own = [dial == seen(metric, s) for metric, s, dial in zip(table["metric"], space, table["dial"], strict=True)]
        kept = table.assign(space=space)[own].set_index(["metric", "space", "dial"])
        columns |= {f"{world}: {name}": kept[name] for name in ("rho", "rho_low", "rho_high", "smallest_step")}
    return pd.DataFrame(columns).reset_index()
