"""FIGURE distance_bars: Fréchet distance to the reference in each space, with intervals; dots are prompts."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analysis.estimates.estimates import estimates
from analysis.figures.style import WIDTH, colours
from analysis.paper.labels import SPACE_LABELS, label
from analysis.study.results import by_prompt, read_results
from analysis.study.settings import Study


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    results, p, methods = read_results(study), study.analysis, list(study.methods)
    palette, places = colours(methods, p.baseline), np.arange(len(methods))
    figure, axes = plt.subplots(1, len(SPACE_LABELS), figsize=(WIDTH, 0.28 * len(methods) + 1.0), sharey=True)
    figure.set_layout_engine("constrained")
    for ax, (space, title) in zip(axes, SPACE_LABELS.items(), strict=True):
        found = estimates(results, "frechet", space, p.reference)
        values = np.array([found[m].value for m in methods])
        reach = np.abs(np.array([found[m].interval for m in methods]).T - values)
        ax.barh(places, values, color=[palette[m] for m in methods], alpha=0.75, height=0.75)
        ax.errorbar(values, places, xerr=reach, fmt="none", ecolor="black", elinewidth=1, capsize=2)
        for k, method in enumerate(methods):
            prompts = by_prompt(results, "frechet", space, p.reference).loc[method]
            ax.plot(prompts, np.full(len(prompts), k), ".", color="0.2", markersize=2.5)
        ax.axvspan(*found[p.floor].interval, color="black", alpha=0.12, linewidth=0)
        ax.axvline(found[p.floor].value, color="black", linestyle=":", linewidth=1)
        ax.set(title=title, yticks=places, yticklabels=map(label, methods))
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="x", labelsize=7)
    axes[0].invert_yaxis()
    figure.supxlabel(
        "Fréchet distance to the reference (dotted, with its interval: the reference drawn again)", fontsize=9
    )
    return {"distance_bars": figure}
