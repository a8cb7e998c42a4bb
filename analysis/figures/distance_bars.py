"""FIGURE distance_bars: Fréchet distance to the reference in each space, with the floor; dots are prompts."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns

from analysis.results import read_results, select
from analysis.style import SPACE_LABELS, WIDTH, colours, label
from pipeline.profile import Profile


def draw(profile: Profile, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    results, p = read_results(profile), profile.distances
    methods = list(profile.methods)
    palette = colours(methods, p.baseline)
    figure, axes = plt.subplots(1, len(SPACE_LABELS), figsize=(WIDTH, 0.28 * len(methods) + 1.0), sharey=True)
    figure.set_layout_engine("constrained")
    for ax, (space, title) in zip(axes, SPACE_LABELS.items(), strict=True):
        table = select(results, "frechet", space, p.reference)
        long = table.loc[methods].stack().rename("value").reset_index()
        hue = {"hue": "set", "palette": palette, "legend": False}
        sns.barplot(long, x="value", y="set", order=methods, errorbar=None, alpha=0.75, ax=ax, **hue)
        sns.stripplot(long, x="value", y="set", order=methods, color="0.2", size=2, jitter=False, ax=ax)
        floor = table.loc[p.floor].mean()
        ax.axvline(floor, color="black", linestyle=":", linewidth=1)
        ax.set(title=title, xlabel="", ylabel="", yticks=range(len(methods)), yticklabels=map(label, methods))
        ax.tick_params(axis="x", labelsize=7)
    figure.supxlabel("Fréchet distance to the reference (dotted: the reference drawn again)", fontsize=9)
    return {"distance_bars": figure}
