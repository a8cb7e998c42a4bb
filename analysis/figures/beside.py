"""Names in a column beside points, joined to them by thin lines: in the place of a legend."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt

from analysis.paper.labels import label


def spread_out(heights: Sequence[float], apart: float) -> list[float]:
    """Heights from the top down, moved down until neighbours are `apart`."""
    found: list[float] = []
    for height in heights:
        found.append(height if not found else min(height, found[-1] - apart))
    return found


def name_beside(
    ax: plt.Axes,
    names: Sequence[str],
    x: Sequence[float],
    y: Sequence[float],
    at: float,
    apart: float,
    width: int = 100,
) -> None:
    """The names of points (x, y) in a column that begins at `at`, in lines of `width` letters; x, y, `at` and `apart`
    are in the axes' own units."""
    order = sorted(range(len(names)), key=lambda k: -y[k])
    for k, height in zip(order, spread_out([y[k] for k in order], apart), strict=True):
        ax.plot([x[k], at], [y[k], height], color="0.6", linewidth=0.5, zorder=0)
        text, look = textwrap.fill(label(names[k]), width), {"va": "center", "fontsize": 6}
        ax.annotate(text, (at, height), (2, 0), textcoords="offset points", **look)
