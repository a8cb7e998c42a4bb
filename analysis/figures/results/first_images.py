"""FIGURE first_images: different artists and places that are recognised among the first n images of a prompt, with
bands of 95% intervals."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analysis.estimates.efficiency import KINDS, curves, reads_factors
from analysis.estimates.intervals import band
from analysis.figures.style import WIDTH, colours
from analysis.paper.labels import label
from analysis.study.settings import Study


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    """Nothing where the encoder reads no factors."""
    if not reads_factors(study):
        return {}
    palette = colours(list(study.methods), study.analysis.baseline)
    figure, axes = plt.subplots(1, len(KINDS), figsize=(WIDTH, 3.6), layout="constrained")
    for ax, kind in zip(axes, KINDS, strict=True):
        for name, curve in curves(study, kind).items():
            images = np.arange(1, len(curve.value) + 1)
            wide = 2.2 if name == study.analysis.baseline else 1.2
            ax.plot(images, curve.value, color=palette[name], linewidth=wide, label=label(name))
            ax.fill_between(images, *band(curve.draws), color=palette[name], alpha=0.15, linewidth=0)
        ax.set(xlabel="images of a prompt", ylabel=f"different {kind}", xlim=(0, images[-1]), ylim=(0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
    return {"first_images": figure}
