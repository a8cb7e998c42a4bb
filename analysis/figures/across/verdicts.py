"""FIGURE claims: what becomes of the claims on each model and in each world."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap

from analysis.estimates.estimates import Estimate
from analysis.figures.style import WIDTH, theme

# Told apart in grey and by the colour-blind; the cells say it in words, too.
LOOK = {
    "holds": "#9ecae1",
    "undecided": "#f0f0f0",
    "does not hold": "#e6864a",
    "no interval": "#ffffff",
    "not measured": "#ffffff",
}


def draw(claims: pd.DataFrame, models: Sequence[str]) -> plt.Figure:
    """A row for each claim, a column for each model; a cell holds the number, and its colour the verdict. `claims` has
    for each model a column of estimates, and one of verdicts named `MODEL: verdict`."""
    theme()
    codes = [[list(LOOK).index(row[f"{model}: verdict"]) for model in models] for _, row in claims.iterrows()]
    size = (WIDTH, 0.22 * len(claims) + 0.6)
    figure, ax = plt.subplots(figsize=size, layout="constrained")
    ax.imshow(np.array(codes), cmap=ListedColormap(list(LOOK.values())), vmin=-0.5, vmax=len(LOOK) - 0.5, aspect="auto")
    for y, (_, row) in enumerate(claims.iterrows()):
        for x, model in enumerate(models):
            said = row[f"{model}: verdict"]
            number = f"{row[model].value:.2f}" if isinstance(row[model], Estimate) else ""
            text = number if said == "holds" else f"{number}  {said}".strip()
            ax.text(x, y, text, ha="center", va="center", fontsize=7)
    ax.set(xticks=range(len(models)), xticklabels=models, yticks=range(len(claims)), yticklabels=claims.index)
    ax.tick_params(length=0, labelsize=7, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.grid(visible=False)
    ax.set_xticks(np.arange(len(models) - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(len(claims) - 1) + 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="minor", length=0)
    return figure
