"""Tables of the page: cells that know their value, and columns that know what they are of."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.paper.definitions import DEFINITIONS, ENDS, LESS, meaning
from analysis.paper.labels import label
from repulsion.core.errors import BadInput
from repulsion.core.files import read_text


@dataclass(frozen=True)
class Cell:
    """A cell as it is printed. A number has a `value` to sort by, which is nan where it could not be taken."""

    text: str
    value: float | None = None

    @property
    def parts(self) -> tuple[str, str]:
        """The number, and its interval in brackets, or an empty string."""
        number, bracket, rest = self.text.partition(" [")
        return number, bracket.strip() + rest

    @property
    def sorts_by(self) -> str:
        return "" if self.value is None or math.isnan(self.value) else f"{self.value:.8g}"


@dataclass(frozen=True)
class Column:
    """A column: its title; of numbers, keys of DEFINITIONS and SPACES; what it is of, where a filter may hide it (a
    prompt, a model)."""

    title: str
    key: str = ""
    space: str = ""
    of: str = ""

    @property
    def first(self) -> str:
        """The order of a first press: the best at the top."""
        return "descending" if self.key and DEFINITIONS[self.key].better != LESS else "ascending"


@dataclass(frozen=True)
class Row:
    """`name` is the image set that the page can show, or empty; `out`: a margin does not hold."""

    cells: list[Cell]
    name: str = ""
    out: bool = False


@dataclass(frozen=True)
class Filter:
    """A choice of rows by the text of a column (its number), or, without one, of columns by what they are of."""

    title: str
    choices: list[str]
    column: int | None = None


@dataclass(frozen=True)
class Table:
    """`note` is said of every number.  `find`: whether rows can be searched by their first cell."""

    name: str
    title: str
    caption: str
    columns: list[Column]
    rows: list[Row]
    filters: list[Filter] = field(default_factory=list)
    note: str = ""
    find: bool = False

    @property
    def described(self) -> dict[str, None]:
        """The definitions that its numbers need."""
        return dict.fromkeys(column.key for column in self.columns if column.key)


def read_csv(path: Path, maker: str) -> list[list[str]]:
    """A CSV's lines, the head first. Raises BadInput for a file that is missing or ragged, and names what makes it."""
    if not path.is_file():
        raise BadInput(f"no {path}; {maker} makes it")
    lines = list(csv.reader(io.StringIO(read_text(path))))
    if not lines or len({*map(len, lines)}) > 1:
        raise BadInput(f"{path}: expected lines of one length; {maker} makes it")
    return lines


def number(text: str) -> float | None:
    """A number, nan for an empty cell, None for words."""
    try:
        return float(text or "nan")
    except ValueError:
        return None


def read_cells(folder: Path, name: str, maker: str) -> tuple[list[str], list[list[Cell]]]:
    """The columns of a table and its cells, of its two files: values as measured, and cells as printed. Raises BadInput
    where one does not fit the other."""
    (head, *values), (titles, *shown) = (read_csv(folder / f"{name}{end}", maker) for end in (".csv", ".shown.csv"))
    kept = [k for k, c in enumerate(head) if not any(c.removesuffix(e) in head[:k] for e in ENDS if c.endswith(e))]
    if len(kept) != len(titles) or len(values) != len(shown):
        raise BadInput(f"{folder / name}.shown.csv: expected the rows and columns of {name}.csv; {maker} makes it")
    numeric = [k for k in kept[1:] if all(number(row[k]) is not None for row in values)]
    rows = [
        [Cell(text, number(row[k]) if k in numeric else None) for k, text in zip(kept, texts, strict=True)]
        for row, texts in zip(values, shown, strict=True)
    ]
    return [head[k] for k in kept], rows


def distinct(rows: Sequence[Row], column: int) -> list[str]:
    return list(dict.fromkeys(row.cells[column].text for row in rows))


def filters_of(columns: list[Column], rows: list[Row], by: Sequence[int], title: str) -> list[Filter]:
    """A filter for every column of `by` with several values, and one of the columns, called `title`."""
    found = [Filter(columns[k].title, distinct(rows, k), k) for k in by if len(distinct(rows, k)) > 1]
    of = list(dict.fromkeys(column.of for column in columns if column.of))
    return [*found, Filter(title, of)] if len(of) > 1 else found


def table(
    name: str,
    title: str,
    caption: str,
    head: list[str],
    cells: list[list[Cell]],
    metric: str = "",
    of: Callable[[str], str] = lambda column: "",
    of_title: str = "",
    by: Sequence[str] = (),
    sets: Sequence[str] = (),
    marked: Sequence[str] = (),
    note: str = "",
) -> Table:
    """A table of named columns. `metric` is what numbers are where a column does not say; `of` the prompt or model of a
    column, which may be hidden; `by` the columns by whose words rows may be; `sets` those of the page."""
    columns = []
    for k, column in enumerate(head):
        is_number = bool(cells) and all(row[k].value is not None for row in cells)
        key, space = ("", "")
        if is_number:  # a prompt's or a model's name says nothing of the metric
            key, space = (metric, "") if of(column) == column else meaning(column, metric)
        mark = " †" if column in marked else ""
        columns.append(Column(label(column) + mark, key, space, of(column)))
    named = {label(one): one for one in sets}
    rows = [Row(row, named.get(row[0].text, "")) for row in cells]
    filters = filters_of(columns, rows, [head.index(c) for c in by if c in head], of_title)
    return Table(name, title, caption, columns, rows, filters, note)
