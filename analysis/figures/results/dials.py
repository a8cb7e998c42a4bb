"""FIGURES dials and small_n: what the metrics see in sets whose truth is known, and from how many images on."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import seaborn as sns

from analysis.estimates.intervals import share_interval
from analysis.estimates.marks import tested
from analysis.figures.style import WIDTH
from analysis.paper.labels import label
from analysis.study.inputs import table_at
from analysis.study.settings import Study
from analysis.study.shipped import CURVES, RANKING_ERRORS, SENSITIVITY
from pipeline.profile.dial_settings import DIALS

MAKER = "make validate"
METRICS = ("frechet", "mmd", "kid", "recall", "coverage", "vendi")
SPACES = ("general", "location", "style")


def responses(path: Path) -> plt.Figure:
    """Metric by dial: rank correlation and how far its 95% interval reaches, a row for each metric and space."""
    numbers = ["rho", "rho_low", "rho_high"]
    table = table_at(path, [["metric", "space"], ["dial"]], [], MAKER, numbers)
    table["name"] = (table["metric"].map(label) + " " + table["space"].map(label)).str.strip()
    table["text"] = [f"{rho:.2f} ±{max(rho - low, high - rho):.2f}" for rho, low, high in table[numbers].to_numpy()]
    wide, text = (
        table.pivot(index="name", columns="dial", values=values).loc[table["name"].unique(), list(DIALS)]
        for values in ("rho", "text")
    )
    half = -(-len(wide) // 2)
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.17 * half + 0.9), layout="constrained")
    look = {"cmap": "vlag", "vmin": -1, "vmax": 1, "fmt": "", "annot_kws": {"size": 5}, "cbar": False}
    for ax, rows in zip(axes, (slice(None, half), slice(half, None)), strict=True):
        sns.heatmap(wide[rows], annot=text[rows], ax=ax, **look)
        ax.set(xlabel="", ylabel="")
        ax.tick_params(labelsize=6, rotation=0)
    return figure


def curves(path: Path) -> plt.Figure:
    """The distances against the dials, as shares of their range over the dial that moves them most; bands are one
    standard deviation over runs."""
    table = table_at(path, [["metric", "space"], ["dial", "position"]], [], MAKER, ["mean", "std"])
    figure, axes = plt.subplots(len(SPACES), 3, figsize=(WIDTH, 5.2), sharey=True, layout="constrained")
    for row, space in zip(axes, SPACES, strict=True):
        for ax, dial in zip(row, ("artists", "places", "corruption"), strict=True):
            for metric in METRICS:
                found = table[(table["metric"] == metric) & (table["space"] == space)]
                scale = found["mean"].max() - found["mean"].min()
                mine = found[found["dial"] == dial]
                height = (mine["mean"] - found["mean"].min()) / scale
                spread = mine["std"] / scale
                ax.plot(mine["position"], height, marker=".", label=label(metric))
                ax.fill_between(mine["position"], height - spread, height + spread, alpha=0.12, linewidth=0)
            ax.set(xlabel=dial if space == SPACES[-1] else "", title=space if dial == "places" else "")
            ax.tick_params(labelsize=7)
    figure.supylabel("value, as a share of its range", fontsize=9)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=7)
    return figure


def small_n(path: Path) -> plt.Figure:
    """Share of wrong rankings over n, for the factor that each space should see; bands are 95% intervals."""
    table = table_at(path, [["metric", "space"], ["factor"], ["n"]], ["pairs"], MAKER, ["error"])
    panels = (("general", "artists"), ("general", "places"), ("style", "artists"), ("location", "places"))
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 2.7), sharey=True, layout="constrained")
    for ax, (space, factor) in zip(axes, panels, strict=True):
        for metric, found in table[(table["space"] == space) & (table["factor"] == factor)].groupby("metric"):
            ax.plot(found["n"], found["error"], marker=".", linewidth=1, label=label(metric))
            ends = share_interval(found["error"].to_numpy(float), found["pairs"].to_numpy(float))
            ax.fill_between(found["n"], *ends, alpha=0.08, linewidth=0)
        ax.axhline(0.05, color="0.4", linestyle=":", linewidth=1)
        ax.set(xscale="log", xlabel="n", title=f"{space}: {factor}")
        ax.set_xticks([16, 160, 1600], ["16", "160", "1600"])
        ax.title.set_fontsize(8)
    axes[0].set_ylabel("share of wrong rankings")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=8, fontsize=7)
    return figure


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    if not tested(study):
        return {}  # what was tested are this encoder's features
    return {
        "dials": responses(study.validated(SENSITIVITY)),
        "dial_curves": curves(study.validated(CURVES)),
        "small_n": small_n(study.validated(RANKING_ERRORS)),
    }
