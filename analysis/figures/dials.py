"""FIGURES dials and small_n: what the metrics see in sets whose truth is known, and from how many images on."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from analysis.marks import least
from analysis.settings import Study
from analysis.style import WIDTH, label
from pipeline.dial_settings import RESULTS

METRICS = ("frechet", "mmd", "kid", "recall", "coverage", "vendi")
SPACES = ("general", "location", "style")


def responses() -> plt.Figure:
    """Metric by dial: rank correlation, a row for each metric and space."""
    table = pd.read_csv(RESULTS / "sensitivity.csv", keep_default_na=False, na_values={"rho": [""]})
    table["name"] = (table["metric"].map(label) + " " + table["space"].map(label)).str.strip()
    wide = table.pivot(index="name", columns="dial", values="rho")[["artists", "places", "corruption"]]
    wide = wide.reindex(table["name"].unique())
    half = -(-len(wide) // 2)
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.17 * half + 0.9), layout="constrained")
    for ax, part in zip(axes, (wide[:half], wide[half:]), strict=True):
        sns.heatmap(part, cmap="vlag", vmin=-1, vmax=1, annot=True, fmt=".2f", annot_kws={"size": 5}, cbar=False, ax=ax)
        ax.set(xlabel="", ylabel="")
        ax.tick_params(labelsize=6, rotation=0)
    return figure


def curves() -> plt.Figure:
    """The distances against the dials, as shares of their range over the dial that moves them most."""
    table = pd.read_csv(RESULTS / "curves.csv", keep_default_na=False, na_values={"mean": [""], "std": [""]})
    figure, axes = plt.subplots(len(SPACES), 3, figsize=(WIDTH, 5.2), sharey=True, layout="constrained")
    for row, space in zip(axes, SPACES, strict=True):
        for ax, dial in zip(row, ("artists", "places", "corruption"), strict=True):
            for metric in METRICS:
                found = table[(table["metric"] == metric) & (table["space"] == space)]
                scale = found["mean"].max() - found["mean"].min()
                mine = found[found["dial"] == dial]
                ax.plot(mine["position"], (mine["mean"] - found["mean"].min()) / scale, marker=".", label=label(metric))
            ax.set(xlabel=dial if space == SPACES[-1] else "", title=space if dial == "places" else "")
            ax.tick_params(labelsize=7)
    figure.supylabel("value, as a share of its range", fontsize=9)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=7)
    return figure


def small_n() -> plt.Figure:
    """Share of wrong rankings over n, for the factor that each space should see."""
    table = pd.read_csv(RESULTS / "ranking_errors.csv", keep_default_na=False, na_values={"error": [""]})
    panels = (("general", "artists"), ("general", "places"), ("style", "artists"), ("location", "places"))
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 2.7), sharey=True, layout="constrained")
    for ax, (space, factor) in zip(axes, panels, strict=True):
        for metric, found in table[(table["space"] == space) & (table["factor"] == factor)].groupby("metric"):
            ax.plot(found["n"], found["error"], marker=".", linewidth=1, label=label(metric))
        ax.axhline(0.05, color="0.4", linestyle=":", linewidth=1)
        ax.set(xscale="log", xlabel="n", title=f"{space}: {factor}")
        ax.set_xticks([16, 160, 1600], ["16", "160", "1600"])
        ax.title.set_fontsize(8)
    axes[0].set_ylabel("share of wrong rankings")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=8, fontsize=7)
    return figure


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    if least()["encoder"].iloc[0] != study.encoder.weights:
        return {}  # what was tested are this encoder's features
    return {"dials": responses(), "dial_curves": curves(), "small_n": small_n()}
