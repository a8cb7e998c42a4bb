"""The leaderboard as one self-contained web page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.leaderboard.board import ALL_PASSES, COUNTS, ENDS, NEEDED, rank_of
from analysis.paper.labels import label
from analysis.paper.printing import with_interval

TEMPLATES = Path("report")
# Columns after rank and method: title in the head, and whether a larger value is better. The rest is in the CSV.
COLUMNS = {
    "gain": ("gain", True),
    "gap general": ("general", True),
    "gap location": ("location", True),
    "gap style": ("style", True),
    **{name: (label(name), True) for name in COUNTS},
    NEEDED: (NEEDED, False),
    "margin used": ("margin used", False),
    ALL_PASSES: ("passes", False),
    "time_of_plain": ("time", False),
    "peak_gib": ("GiB", False),
}


def cell(row: pd.Series, name: str) -> dict[str, Any]:
    """What is printed, and what is sorted by (None where there is no number)."""
    value, low, high = (row.get(name + end, np.nan) for end in ENDS)
    return {"text": with_interval(value, low, high), "value": None if np.isnan(value) else float(value)}


def rows_of(board: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for _, row in board.iterrows():
        rank = None if np.isnan(row["best rank"]) else float(row["best rank"])
        found.append(
            {
                "model": row["model"],
                "method": label(row["method"]),
                "id": row["method"],
                "source": row["source"],
                "held": bool(row["within margins"]),
                "labels": row["knows labels"],
                "weights": bool(row["shares weights"]),
                "rank": {"text": rank_of(row), "value": rank},
                "cells": [cell(row, name) for name in COLUMNS],
            }
        )
    return found


def render(board: pd.DataFrame) -> str:
    """The page: a table that sorts and filters, readable without JavaScript."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("leaderboard.html").render(
        columns=list(COLUMNS.values()), rows=rows_of(board), models=list(dict.fromkeys(board["model"]))
    )
