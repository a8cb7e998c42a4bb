"""FIGURE shares: the share of the gap that each method closes, in each space, one mark for each model."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analysis.estimates.estimates import Estimate
from analysis.figures.style import WIDTH, theme
from analysis.paper.labels import label

MARKS = ("o", "D", "s", "^")
COLOURS = ("#1d4e89", "#e07a1f", "#3f8f4f", "#6b6b6b")  # told apart in grey and by the colour-blind


def draw(by_space: dict[str, dict[str, dict[str, Estimate]]]) -> plt.Figure:
    """`by_space`: shares by space, model and method. Methods are in the order of the first model's mean share, the
    largest on top; whiskers are 95% intervals, and a line joins the marks of one method."""
    theme()
    first = [next(iter(found.values())) for found in by_space.values()]
    methods = sorted(first[0], key=lambda m: sum(found[m].value for found in first))
    places = np.arange(len(methods))
    size = (WIDTH, 0.24 * len(methods) + 1.1)
    shape = {"figsize": size, "sharey": True, "squeeze": False, "layout": "constrained"}
    figure, grid = plt.subplots(1, len(by_space), **shape)
    axes = grid[0]
    for ax, (space, found) in zip(axes, by_space.items(), strict=True):
        values = np.array([[of_model[m].value for m in methods] for of_model in found.values()])
        ax.hlines(places, values.min(0), values.max(0), color="0.8", linewidth=2)
        for model, of_model, mark, colour in zip(found, found.values(), MARKS, COLOURS, strict=False):
            x = np.array([of_model[m].value for m in methods])
            low, high = np.array([of_model[m].interval for m in methods]).T
            reach = np.maximum([x - low, high - x], 0)
            look = {"fmt": mark, "color": colour, "markersize": 4, "elinewidth": 1}
            ax.errorbar(x, places, xerr=reach, label=model, **look)
        for share in (0, 1):  # plain sampling, and the reference drawn again
            ax.axvline(share, color="0.3", linestyle=":", linewidth=1)
        ax.set(title=space, yticks=places, yticklabels=map(label, methods))
        ax.grid(axis="y", visible=False)
    figure.supxlabel("share of the gap closed (0: plain sampling, 1: the reference drawn again)", fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(found), fontsize=8)
    return figure
