"""FIGURE growth: how each method's gain, and the different artists and places in one set, grow with the number of
particles."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analysis.figures.beside import name_beside
from analysis.figures.style import WIDTH, theme

PANELS = {
    "gain": "gain",
    "artists in a set": "artists in one set, of plain's",
    "places in a set": "places in one set, of plain's",
}
LEADERS = 3  # lines of a panel that have a colour and a name
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # told apart by the colour-blind
OTHERS = "0.75"


def draw(table: pd.DataFrame) -> plt.Figure:
    """A line for each method; whiskers are 95% intervals. Those that end highest in a panel have colours and names, as
    has plain sampling; the table has the names of all. The last two panels are relative to plain sampling with as many
    particles: more images show more artists without any repulsion."""
    theme()
    of = {name: rows.sort_values("particles") for name, rows in table.groupby("method", sort=False)}
    particles, colours = sorted(table["particles"].unique()), {"plain": "0.2"}
    figure, axes = plt.subplots(1, len(PANELS), figsize=(WIDTH, 4.0), layout="constrained")
    for ax, (column, title) in zip(axes, PANELS.items(), strict=True):
        ends = {name: rows[column].iloc[-1] for name, rows in of.items()}
        leaders = sorted(ends, key=lambda name: -ends[name])[:LEADERS]
        for name in leaders:
            colours.setdefault(name, COLOURS[(len(colours) - 1) % len(COLOURS)])
        named = dict.fromkeys((*leaders, "plain"))
        for k, (name, rows) in enumerate(of.items()):
            shift = 1.02 ** (k - len(of) / 2)
            reach = [rows[column] - rows[f"{column} low"], rows[f"{column} high"] - rows[column]]
            look = {"color": colours[name] if name in named else OTHERS, "zorder": 3 if name in named else 2}
            look |= {"fmt": "o-", "markersize": 2.5, "linewidth": 1, "elinewidth": 0.7}
            ax.errorbar(rows["particles"] * shift, rows[column], yerr=np.maximum(reach, 0), **look)
        ax.set_xscale("log", base=2)
        ax.set_xticks(particles)
        ax.xaxis.set_major_formatter("{x:g}")
        low, high = ax.get_ylim()
        last = particles[-1] * 1.02 ** (len(of) / 2)
        at = [last] * len(named)
        name_beside(ax, list(named), at, [ends[name] for name in named], 1.3 * last, (high - low) / 20, 18)
        ax.set_xlim(particles[0] * 0.8, 14 * last)
        ax.set_xlabel("particles of one set, N", fontsize=8)
        ax.set_title(title, fontsize=9)
    return figure
