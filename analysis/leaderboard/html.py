"""The leaderboard as one self-contained web page."""

from __future__ import annotations

import pandas as pd

from analysis.paper.definitions import DEFINITIONS, SPACES
from analysis.paper.labels import label
from analysis.paper.web.board import board_table
from analysis.paper.web.template import rendered


def render(board: pd.DataFrame) -> str:
    """The page: a table that sorts and filters, readable without JavaScript."""
    table = board_table(board)
    return rendered(
        "leaderboard.html",
        ("tables.js", "numbers.js"),
        board=table,
        definitions={key: DEFINITIONS[key] for key in table.described},
        spaces=SPACES,
        label=label,
    )
