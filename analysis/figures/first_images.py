"""FIGURE first_images: different artists and places that are recognised among the first n images of a prompt."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analysis.efficiency import KINDS, counted, reads_factors
from analysis.settings import Study
from analysis.style import WIDTH, colours, label


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    """Nothing where the encoder reads no factors."""
    if not reads_factors(study):
        return {}
    palette = colours(list(study.methods), study.analysis.baseline)
    figure, axes = plt.subplots(1, len(KINDS), figsize=(WIDTH, 3.6), layout="constrained")
    for ax, kind in zip(axes, KINDS, strict=True):
        for name, counts in counted(study, kind).items():
            curve = counts.mean((0, 1))
            wide = 2.2 if name == study.analysis.baseline else 1.2
            ax.plot(np.arange(1, len(curve) + 1), curve, color=palette[name], linewidth=wide, label=label(name))
        ax.set(xlabel="images of a prompt", ylabel=f"different {kind}", xlim=(0, len(curve)), ylim=(0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
    return {"first_images": figure}
