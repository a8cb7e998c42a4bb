"""FIGURE pareto: diversity against quality, and against passes, of every method of the first model."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analysis.figures.beside import name_beside
from analysis.figures.style import WIDTH, theme

INSIDE, OUTSIDE, FRONT = "#1d4e89", "#b9b9b9", "#b4203f"
REACH = 3  # margins that the first panel shows
NAMED, APART = 10, 0.052  # methods that are named, and how far apart their names stand, in gain
PANELS = {
    "margin used": "quality lost, of the metric that suffers most\n(1: its margin)",
    "passes with backward": "passes through the denoiser, backward included\n(1: plain sampling's)",
}


def draw(board: pd.DataFrame, front: tuple[str, ...]) -> plt.Figure:
    """`front`: plain sampling at other guidance scales, joined by a line in the first panel: what others are to beat.
    Methods outside the margins are grey, also where a value is within and its interval is not; whiskers are 95%
    intervals. The first panel ends at three margins."""
    theme()
    table = board[board["model"] == board["model"].iloc[0]].reset_index(drop=True)
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.6), sharey=True, layout="constrained")
    low, y, high = (table[f"gain{end}"].to_numpy(float) for end in (" low", "", " high"))
    reach = np.maximum([y - low, high - y], 0)
    named = table[table["within margins"]].nlargest(NAMED, "gain")
    for ax, (column, title) in zip(axes, PANELS.items(), strict=True):
        x = table[column].to_numpy(float)
        if column == "margin used":
            scales = table[table["method"].isin(front)].sort_values("gain")
            line = {"color": FRONT, "linewidth": 1.2, "label": "plain sampling, other guidance scales"}
            ax.plot(scales[column], scales["gain"], "-", **line)
            ax.axvline(1, color="0.3", linestyle="--", linewidth=1)
            ax.set_xlim(right=REACH)
            beside = 1.25
        else:
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter("{x:g}")
            ax.set_xlim(x.min() * 0.85, x.max() * 9)
            beside = x.max() * 1.2
        for held, colour in ((True, INSIDE), (False, OUTSIDE)):
            rows = (table["within margins"] == held).to_numpy()
            look = {"fmt": "o", "color": colour, "markersize": 4, "elinewidth": 0.8}
            ax.errorbar(x[rows], y[rows], yerr=reach[:, rows], label="margins hold" if held else "they do not", **look)
        name_beside(ax, *(named[key].tolist() for key in ("method", column, "gain")), beside, APART)
        ax.set_ylim(bottom=max(-0.4, y.min() - 0.05))
        ax.set_xlabel(title, fontsize=8)
    axes[0].set_ylabel("gain: share of the gap closed, mean of three spaces", fontsize=8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    return figure
