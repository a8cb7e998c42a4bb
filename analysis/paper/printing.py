"""Tables on paper: cells as text, and the files in which papers and pages take them."""

from __future__ import annotations

import math
from collections.abc import Collection
from numbers import Integral
from pathlib import Path

import pandas as pd

from analysis.estimates.estimates import Estimate
from analysis.paper.labels import label
from repulsion.core.files import new_file

MARK = " †"


def three_digits(value: float) -> str:
    """Three significant digits, at most four of them after the point, without an exponent; a dash for no number."""
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    return f"{value:.{min(4, max(0, 2 - math.floor(math.log10(abs(value)))))}f}"


def with_interval(value: float, low: float, high: float) -> str:
    """A number and its interval; the number alone where the interval has no lower end."""
    if math.isnan(low):
        return three_digits(value)
    return f"{three_digits(value)} [{three_digits(low)}, {three_digits(high)}]"


def printed(value: object) -> str:
    """A cell as it is printed: a number, or a number and its interval."""
    if isinstance(value, Estimate):
        return with_interval(value.value, *value.interval)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return str(value)
    return three_digits(float(value)) if isinstance(value, float | int) else label(str(value))


def cells_and_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each estimate as three columns: value, low, high."""
    columns = {}
    for name in table:
        column = table[name]
        if not column.map(lambda cell: isinstance(cell, Estimate)).any():
            columns[name] = column
            continue
        known = column.map(lambda cell: (cell.value, *cell.interval) if isinstance(cell, Estimate) else (math.nan,) * 3)
        columns |= {name: known.str[0], f"{name} low": known.str[1], f"{name} high": known.str[2]}
    return pd.DataFrame(columns, index=table.index)


def write(table: pd.DataFrame, path: Path, marked: Collection[str] = ()) -> None:
    """The table's files. `.shown.csv` holds the cells as they are printed, for the paper; the others mark the columns
    `marked`, whose metric is not to be trusted at this number of images."""
    first = table.index.name or "set"
    shown = table.map(printed).rename(columns=label, index=label).rename_axis(index=first, columns=None).reset_index()
    titles = shown.rename(columns={name: name + MARK for name in marked})
    texts = {
        ".csv": cells_and_intervals(table).rename_axis(index=first).to_csv(lineterminator="\n", float_format="%.8g"),
        ".shown.csv": shown.to_csv(index=False, lineterminator="\n"),
        ".tex": titles.style.hide(axis="index").to_latex(hrules=True, column_format="l" + "r" * (shown.shape[1] - 1)),
        ".html": titles.to_html(index=False, border=0, escape=True, classes="numbers"),
    }
    for suffix, text in texts.items():
        with new_file(path.with_name(path.name + suffix)) as part:
            part.write_text(text, encoding="utf-8")
