"""FIGURE story: sixteen particles in two dimensions; lines are their paths, crosses the modes."""

from __future__ import annotations

import matplotlib.pyplot as plt

from analysis.figures.style import WIDTH
from analysis.study.inputs import require_every_row, table_at
from analysis.study.settings import Study

REACH = 7


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    table = table_at(study.story, [["method", "level", "particle"]], ["x", "y"], "dvc repro")
    modes = table[table["method"] == "modes"]
    require_every_row(
        table[table["method"] != "modes"], [["method"], ["level"], ["particle"]], study.story, "dvc repro"
    )
    methods = [name for name in table["method"].unique() if name != "modes"]
    figure, axes = plt.subplots(1, len(methods), figsize=(WIDTH, WIDTH / len(methods) + 0.35), layout="constrained")
    for ax, name in zip(axes, methods, strict=True):
        rows = table[table["method"] == name]
        for _, path in rows.groupby("particle"):
            ax.plot(path["x"], path["y"], color="0.75", linewidth=0.6)
        last = rows[rows["level"] == rows["level"].max()]
        ax.scatter(modes["x"], modes["y"], marker="x", color="black", s=18, linewidth=0.8)
        ax.scatter(last["x"], last["y"], s=14, color="tab:red", alpha=0.8, zorder=3)
        ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[], yticks=[], aspect="equal")
        ax.set_title(name, fontsize=8)
    return {"story": figure}
