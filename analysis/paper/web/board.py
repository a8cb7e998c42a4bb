"""The leaderboard as a table of a page: every method of its models, from the rows of leaderboard.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.paper.labels import label
from analysis.paper.printing import three_digits, with_interval
from analysis.paper.web.tables import Cell, Column, Filter, Row, Table, distinct

ENDS = ("", " low", " high")  # of a column and its interval
# Columns of numbers: title in the head, key of DEFINITIONS, space. The rest is in the CSV.
NUMBERS = {
    "gain": ("gain", "gain", ""),
    "gap general": ("general", "gap", "general"),
    "gap location": ("location", "gap", "location"),
    "gap style": ("style", "gap", "style"),
    "effective_artists": ("artists", "effective_artists", ""),
    "place_spread": ("place spread", "place_spread", ""),
    "images for plain's artists": ("images for plain's artists", "images for plain's artists", ""),
    "margin used": ("margin used", "margin used", ""),
    "passes with backward": ("passes", "passes with backward", ""),
    "time_of_plain": ("time", "time_of_plain", ""),
    "peak_gib": ("GiB", "peak_gib", ""),
}
WORDS = ("world", "model")  # columns that may say where a method was measured
CAPTION = (
    "Gain is the share of the gap between plain sampling and the reference that a method closes, mean of three feature "
    "spaces. Ranks with a range are not told apart by paired tests. Methods in grey lost more quality than the margins "
    "allow and have no rank, nor have guidance scales that the development prompts did not choose. Passes, backward "
    "ones included, are counted and times measured once; both are multiples of plain sampling's."
)


def rank_of(row: pd.Series) -> str:
    """A rank, or the ranks that a method may have; a dash for one without."""
    if np.isnan(row["best rank"]):
        return "-"
    best, worst = int(row["best rank"]), int(row["worst rank"])
    return str(best) if best == worst else f"{best}-{worst}"


def cell(row: pd.Series, name: str) -> Cell:
    value, low, high = (float(row.get(name + end, np.nan)) for end in ENDS)
    text = three_digits(value) if name + ENDS[1] not in row else with_interval(value, low, high)
    return Cell(text, value)


def board_table(board: pd.DataFrame, model: str = "", sets: tuple[str, ...] = ()) -> Table:
    """Every row of the leaderboard, which its filters choose from; `sets` are those of a model that the page has
    pictures of."""
    words = [name for name in WORDS if name == "model" or (name in board and board[name].nunique() > 1)]
    numbers = {name: of for name, of in NUMBERS.items() if name in board}
    columns = [Column("method"), *map(Column, words), Column("rank", "rank"), Column("margins"), Column("knows")]
    columns += [Column(*of) for of in numbers.values()]
    rows = []
    for _, row in board.iterrows():
        held, knows = bool(row["within margins"]), row["knows labels"] or "nothing"
        tags = ["shares weights"] if row["shares weights"] else []
        tags += [row["source"]] if row["source"].startswith("submission") else []
        texts = [label(row["method"]) + "".join(f" ({tag})" for tag in tags), *(row[name] for name in words)]
        cells = [*map(Cell, texts), Cell(rank_of(row), float(row["best rank"]))]
        cells += [Cell("hold" if held else "do not"), Cell(knows)]
        name = row["method"] if row["model"] == model and row["method"] in sets else ""
        rows.append(Row([*cells, *(cell(row, name) for name in numbers)], name, not held))
    choices = (k for k, column in enumerate(columns) if column.title in (*WORDS, "margins", "knows"))
    filters = [Filter(columns[k].title, distinct(rows, k), k) for k in choices if len(distinct(rows, k)) > 1]
    return Table("leaderboard", "The leaderboard", CAPTION, columns, rows, filters, find=True)
