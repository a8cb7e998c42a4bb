"""FIGURE front: the sweep on development prompts, diversity gained against quality lost; a line for each family.

Plain sampling at other guidance scales is the front to beat; noise of equal size shows what mere disturbance gives.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import MaxNLocator

from analysis.figures.style import WIDTH
from analysis.paper.labels import label
from analysis.study.inputs import sweep_profile, swept, table_at
from analysis.study.settings import Study
from repulsion.core.errors import BadInput

SHOWN = ("subject_accuracy", "render_error")
WORSE_IS_MORE = {"subject_accuracy": False, "render_error": True}
REACH = 5  # margins that the axis shows
TITLES = {"subject_accuracy": "subject accuracy less plain's", "render_error": "render error less plain's"}
# What a method has to be better than: other guidance, CADS, the best of M, and the controls.
BLACK = {
    "guidance": "-",
    "guidance_from": "--",
    "anneal": "-.",
    "best_of": (0, (5, 5)),
    "noise": ":",
    "style_classifier_shuffled": (0, (1, 3)),
}
THESIS = ("latent", "channel_average", "rule_of_thirds", "random_cnn", "style_classifier", "style_classifier_thirds")
FAMILIES = (*BLACK, *THESIS, "centre_of_mass")


def reach(rows: pd.DataFrame, name: str) -> np.ndarray:
    """How far the interval of a column reaches below and above its value, [2, rows]."""
    low, value, high = (rows[part].to_numpy(float) for part in (f"{name} low", name, f"{name} high"))
    return np.maximum([value - low, high - value], 0)


def reaches(rows: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The same up, of the gain, and across, of a column."""
    return reach(rows, "gain"), reach(rows, column)


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    if not swept(study):
        return {}  # strengths are of one model
    sweep = sweep_profile(study)
    shown = [f"{name}{end}" for name in ("gain", *(f"{q} less plain" for q in SHOWN)) for end in ("", " low", " high")]
    rows = table_at(study.sweep_rows, [["row"]], [], "make sweep", shown, dtype={"family": str, "strength": str})
    chosen = set(table_at(study.sweep_chosen, [["row"]], ["gain"], "make sweep")["row"])
    if lost := [*chosen.difference(rows["row"]), *set(sweep.methods).symmetric_difference(rows["row"])]:
        raise BadInput(f"{study.sweep_rows}: rows are not those of the sweep: {lost[0]}; make sweep writes it")
    rows = rows[rows["gain"].notna()]  # a row that failed has none
    palette = dict(zip([f for f in FAMILIES if f not in BLACK], sns.color_palette("husl", 7), strict=True))
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(WIDTH, 4.4), sharey=True, layout="constrained")
    for ax, quality in zip(axes, SHOWN, strict=True):
        column = f"{quality} less plain"
        for family in FAMILIES:
            found = rows[rows["family"] == family]
            if found.empty:  # this sweep does without it
                continue
            raw = found["strength"].str.startswith("alpha")
            line = pd.concat([rows[rows["row"] == "plain"], found[~raw]]).astype({column: float})
            line = line.sort_values(column, ascending=WORSE_IS_MORE[quality], kind="stable")  # from plain sampling on
            colour, style = palette.get(family, (0.0, 0.0, 0.0)), BLACK.get(family, "-")
            look = {"linestyle": style, "marker": ".", "color": colour, "linewidth": 1}
            ax.plot(line[column], line["gain"], **look, label=label(family))
            ax.plot(found[raw][column].astype(float), found[raw]["gain"], "x", color=colour, markersize=6)
            faint = {"fmt": "none", "ecolor": colour, "elinewidth": 0.4, "alpha": 0.35}
            ax.errorbar(found[column].astype(float), found["gain"], *reaches(found, column), **faint)
            best = found[found["row"].isin(chosen)]
            bold = {"fmt": "o", "color": colour, "fillstyle": "none", "elinewidth": 1.2}
            ax.errorbar(best[column], best["gain"], *reaches(best, column), **bold)
        pairs = rows[rows["family"].str.startswith("style_and_place")]
        faint = {"fmt": "none", "ecolor": "tab:red", "elinewidth": 0.4, "alpha": 0.35}
        ax.errorbar(pairs[column].astype(float), pairs["gain"], *reaches(pairs, column), **faint)
        ax.plot(pairs[column].astype(float), pairs["gain"], "*", color="tab:red", markersize=7, label="style and place")
        ax.set(ylim=(-0.25, 1))
        if margin := study.analysis.margins.get(quality):
            ax.axvline(margin, color="0.4", linestyle="--", linewidth=1)
            ax.set(xlim=(-margin, REACH * margin))  # worse is to the right, and beyond this pictures are broken
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.set(xlabel=TITLES[quality], ylabel="gain: mean share of the gap closed (MMD)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
    return {"front": figure}
