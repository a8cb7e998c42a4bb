"""FIGURE pareto: diversity against quality, and against passes, of every method of the first model."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analysis.figures.style import WIDTH, theme
from analysis.paper.labels import label

INSIDE, OUTSIDE, FRONT = "#1d4e89", "#b9b9b9", "#b4203f"
REACH = 3  # margins that the first panel shows
NAMED = 9  # of the methods with the largest gain
PANELS = {
    "margin used": "quality lost (1: the margin, of the metric that suffers most)",
    "passes with backward": "passes through the denoiser, backward included, of plain sampling's",
}


def draw(board: pd.DataFrame, front: tuple[str, ...]) -> plt.Figure:
    """`front`: plain sampling at other guidance scales, joined by a line in the first panel: what others are to beat.
    Methods outside the margins are grey, also where a value is within and its interval is not; whiskers are 95%
    intervals. What uses up more than three margins is not shown in the first panel."""
    theme()
    table = board[board["model"] == board["model"].iloc[0]].reset_index(drop=True)
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.2), sharey=True, layout="constrained")
    for ax, (column, title) in zip(axes, PANELS.items(), strict=True):
        x, y = table[column].to_numpy(float), table["gain"].to_numpy(float)
        low, high = table[["gain low", "gain high"]].to_numpy(float).T
        reach = np.maximum([y - low, high - y], 0)
        for held, colour in ((False, OUTSIDE), (True, INSIDE)):
            rows = (table["within margins"] == held).to_numpy()
            look = {"fmt": "o", "color": colour, "markersize": 4, "elinewidth": 0.8}
            ax.errorbar(x[rows], y[rows], yerr=reach[:, rows], label="margins hold" if held else "they do not", **look)
        if column == "margin used":
            scales = table[table["method"].isin(front)].sort_values("gain")
            ax.plot(
                scales[column],
                scales["gain"],
                "-",
                color=FRONT,
                linewidth=1.2,
                label="plain sampling, other guidance scales",
            )
            ax.axvline(1, color="0.3", linestyle="--", linewidth=1)
            ax.set_xlim(right=min(x.max() * 1.05, REACH))
        else:
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter("{x:g}")
        for k in table[table["within margins"]].nlargest(NAMED, "gain").index:
            ax.annotate(label(table["method"][k]), (x[k], y[k]), (4, 3), textcoords="offset points", fontsize=6)
        ax.set_xlabel(title, fontsize=8)
    axes[0].set_ylabel("gain: share of the gap closed, mean of three spaces", fontsize=8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    return figure
