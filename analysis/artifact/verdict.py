"""A check of the artifact: what was compared, whether it holds, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

EXACT = 1e-6  # what six significant digits in a file leave open; results in git are read, not made again


@dataclass(frozen=True)
class Check:
    what: str
    holds: bool
    found: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.holds else 'FAIL'}  {self.what}: {self.found}"


def differing(found: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Where two tables differ: cells as `row, column: expected ..., found ...`; numbers are equal to six digits."""
    if list(found.columns) != list(expected.columns) or list(found.index) != list(expected.index):
        return ["rows or columns are others than those expected"]
    lines = []
    for column in expected:
        for row, new, old in zip(expected.index, found[column], expected[column], strict=True):
            if not same(new, old):
                lines.append(f"{row}, {column}: expected {old}, found {new}")
    return lines


def same(one: object, other: object) -> bool:
    if all(isinstance(v, float | int | np.number) and not isinstance(v, bool | np.bool_) for v in (one, other)):
        return bool(np.isclose(one, other, rtol=EXACT, atol=1e-12, equal_nan=True))
    return str(one) == str(other)


def of_table(what: str, found: pd.DataFrame, expected: pd.DataFrame) -> Check:
    """Whether a table made again is the one in git."""
    lines = differing(found, expected)
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return Check(what, not lines, lines[0] + more if lines else f"{expected.size} cells as expected")
