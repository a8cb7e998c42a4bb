"""FIGURE growth: how each method's gain, and the different artists and places in one set, grow with the number of
particles."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from analysis.figures.style import WIDTH, theme
from analysis.paper.labels import label

PANELS = {
    "gain": "gain",
    "artists in a set": "artists in one set, of plain's",
    "places in a set": "places in one set, of plain's",
}


def draw(table: pd.DataFrame) -> plt.Figure:
    """A line for each method, whiskers 95% intervals. The others are relative to plain sampling with as many
    particles: more images show more artists without any repulsion."""
    theme()
    methods = list(dict.fromkeys(table["method"]))
    palette = dict(zip(methods, sns.color_palette("husl", len(methods)), strict=True))
    figure, axes = plt.subplots(1, len(PANELS), figsize=(WIDTH, 4.0), layout="constrained")
    for ax, (column, title) in zip(axes, PANELS.items(), strict=True):
        for k, name in enumerate(methods):
            rows = table[table["method"] == name].sort_values("particles")
            shift = 1.03 ** (k - len(methods) / 2)
            reach = (rows[column] - rows[f"{column} low"]), (rows[f"{column} high"] - rows[column])
            look = {"color": palette[name], "fmt": "o-", "markersize": 3, "linewidth": 1, "elinewidth": 0.8}
            ax.errorbar(
                rows["particles"] * shift,
                rows[column],
                yerr=[r.clip(lower=0) for r in reach],
                label=label(name),
                **look,
            )
        ax.set_xscale("log", base=2)
        ax.set_xticks(sorted(table["particles"].unique()))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlabel("particles of one set, N", fontsize=8)
        ax.set_title(title, fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
    return figure
