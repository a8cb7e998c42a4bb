"""FIGURE front: the sweep on development prompts, diversity gained against quality lost; a line for each family.

Plain sampling with other guidance is the front to beat; noise of equal size shows what mere disturbance gives.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from analysis.figures.beside import name_beside
from analysis.figures.style import WIDTH
from analysis.study.inputs import sweep_profile, swept, table_at
from analysis.study.settings import Study
from repulsion.core.errors import BadInput

REACH = 1.5  # margins that are shown: beyond that pictures are broken
APART = 0.045  # of names, in gain
COLOURS = {"repulsion": "#0072b2", "no repulsion": "#d55e00", "pushes in other directions": "0.5"}
FAMILIES = {
    **dict.fromkeys(("guidance", "guidance_from", "anneal", "best_of"), "no repulsion"),
    **dict.fromkeys(("noise", "style_classifier_shuffled"), "pushes in other directions"),
    **dict.fromkeys(
        ("latent", "channel_average", "rule_of_thirds", "random_cnn", "style_classifier", "style_classifier_thirds",
         "centre_of_mass"),
        "repulsion",
    ),
}  # fmt: skip
PAIR = "style_and_place"  # families of rows in two spaces at once


def read_rows(study: Study) -> tuple[pd.DataFrame, set[str]]:
    """The sweep's rows that are shown, with the share `used` of the margin that suffers most, and the names of the
    chosen ones."""
    margins = study.analysis.margins
    shown = ["gain", "gain low", "gain high", *(f"{name} less plain" for name in margins)]
    rows = table_at(study.sweep_rows, [["row"]], [], "make sweep", shown, dtype={"family": str, "strength": str})
    chosen = set(table_at(study.sweep_chosen, [["row"]], ["gain"], "make sweep")["row"])
    methods = sweep_profile(study).methods
    if lost := [*chosen.difference(rows["row"]), *set(methods).symmetric_difference(rows["row"])]:
        raise BadInput(f"{study.sweep_rows}: rows are not those of the sweep: {lost[0]}; make sweep writes it")
    rows = rows[rows["gain"].notna()]
    shares = [rows[f"{name} less plain"].astype(float) / margin for name, margin in margins.items()]
    rows = rows.assign(used=np.max(shares, axis=0))
    return rows[rows["used"] <= REACH], chosen


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    if not swept(study):
        return {}  # strengths are of one model
    rows, chosen = read_rows(study)
    raw = rows["strength"].fillna("").str.startswith("alpha")  # the thesis's raw strength is no part of a line
    pairs = rows[rows["family"].str.startswith(PAIR)]
    best = rows[rows["row"].isin(chosen) & ~raw & rows["family"].isin(FAMILIES)]
    best = pd.concat([best, pairs[pairs["row"].isin(chosen)].nlargest(1, "gain").assign(family=PAIR)])
    figure, ax = plt.subplots(figsize=(WIDTH, 4.6), layout="constrained")
    for family, kind in FAMILIES.items():
        found = rows[(rows["family"] == family) & ~raw]
        if found.empty:  # this sweep does without it
            continue
        line = pd.concat([rows[rows["row"] == "plain"], found]).sort_values("used", kind="stable")
        ax.plot(line["used"], line["gain"], ".-", color=COLOURS[kind], linewidth=0.9, markersize=4, alpha=0.7)
    ax.plot(pairs["used"], pairs["gain"], "*", color=COLOURS["repulsion"], markersize=5, alpha=0.7)
    for kind, found in best.groupby(best["family"].map(FAMILIES).fillna("repulsion")):
        reach = np.maximum([found["gain"] - found["gain low"], found["gain high"] - found["gain"]], 0)
        look = {"fmt": "o", "color": COLOURS[kind], "fillstyle": "none", "elinewidth": 1.2}
        ax.errorbar(found["used"], found["gain"], yerr=reach, **look)
    name_beside(ax, *(best[key].tolist() for key in ("family", "used", "gain")), 1.1 * REACH, APART)
    ax.axvline(1, color="0.4", linestyle="--", linewidth=1)
    ax.set(xlim=(-0.05, 1.4 * REACH), ylim=(-0.05, 1), xticks=np.arange(0, REACH + 0.1, 0.25))
    ax.set_xlabel("quality lost, of the metric that suffers most (1: its margin)", fontsize=9)
    ax.set_ylabel("gain: mean share of the gap closed (MMD)", fontsize=9)
    handles = [Line2D([], [], color=colour, marker=".", label=kind) for kind, colour in COLOURS.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), fontsize=8)
    return {"front": figure}
