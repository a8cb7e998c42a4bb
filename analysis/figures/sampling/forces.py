"""FIGURE forces: the size of the repulsion as a share of the score's, over the noise levels."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns

from analysis.figures.style import WIDTH, colours
from analysis.paper.labels import label
from analysis.study.inputs import forces_of
from analysis.study.settings import Study


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    palette = colours(list(study.methods), study.analysis.baseline)
    figure, ax = plt.subplots(figsize=(WIDTH * 0.75, 3.2), layout="constrained")
    for name in study.methods:
        forces = forces_of(study, name)
        if len(forces):
            share = (forces["repulsion_norm"] / forces["score_norm"]).groupby(forces["level"])
            mean, colour = share.mean(), palette[name]
            sns.lineplot(x=mean.index, y=mean, marker="o", label=label(name), color=colour, ax=ax)
            ax.fill_between(mean.index, share.min(), share.max(), color=colour, alpha=0.15, linewidth=0)
    ax.axhline(1, color="black", linestyle=":", linewidth=1)
    ax.set(yscale="log", xlabel="noise level (0 is the noisiest)", ylabel="|repulsion| / |score|")
    ax.xaxis.get_major_locator().set_params(integer=True)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=7)
    return {"forces": figure}
