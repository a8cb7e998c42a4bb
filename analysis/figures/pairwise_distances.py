"""FIGURE pairwise_distances: how far apart two images of one prompt are, in each space, over all prompts.

Pairs are taken over all images of a prompt, also of particle sets that never repelled each other.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import pdist

from analysis.settings import Study
from analysis.style import SPACE_LABELS, WIDTH, colours, label
from pipeline.feature_sets import read_features

QUANTILES = np.linspace(0, 1, 201)


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    p = study.analysis
    palette = colours(list(study.methods), p.baseline) | {p.reference: (0.0, 0.0, 0.0)}
    figure, axes = plt.subplots(2, 3, figsize=(WIDTH, 4.6), layout="constrained")
    panels = axes.flat[: len(SPACE_LABELS)]
    for name, colour in palette.items():
        vectors = [read_features(study.features(name)).of(q) for q in prompt_ids]
        for ax, space in zip(panels, SPACE_LABELS, strict=True):
            distances = np.concatenate([pdist(v[space]) for v in vectors])
            wide = 2 if name in (p.baseline, p.reference) else 1
            ax.plot(np.quantile(distances, QUANTILES), QUANTILES, color=colour, linewidth=wide, label=label(name))
    for ax, title in zip(panels, SPACE_LABELS.values(), strict=True):
        ax.set(title=title, xlabel="distance of two images of a prompt", ylabel="share of pairs below")
    axes.flat[-1].set_axis_off()
    axes.flat[-1].legend(*panels[0].get_legend_handles_labels(), loc="center", fontsize=7)
    return {"pairwise_distances": figure}
