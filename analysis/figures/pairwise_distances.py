"""FIGURE pairwise_distances: how far apart the images of one prompt are, in each space, over all prompts."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy.spatial.distance import pdist

from analysis.style import SPACE_LABELS, WIDTH, colours, label
from pipeline.feature_sets import read_features
from pipeline.profile import Profile

BINS = 40


def draw(profile: Profile, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    p = profile.distances
    sets = [*profile.methods, p.reference]
    palette = colours(sets, p.baseline) | {p.reference: (0.0, 0.0, 0.0)}
    features = {name: read_features(profile.features(name)) for name in sets}
    columns = 2
    figure, axes = plt.subplots(-(-len(SPACE_LABELS) // columns), columns, figsize=(WIDTH, 4.6), layout="constrained")
    for ax, (space, title) in zip(axes.flat, SPACE_LABELS.items(), strict=True):
        distances = {
            label(name): np.concatenate([pdist(features[name].of(q)[space]) for q in prompt_ids]) for name in sets
        }
        long = pd.DataFrame([(name, d) for name, values in distances.items() for d in values], columns=["set", "d"])
        sns.histplot(
            long, x="d", hue="set", bins=BINS, element="step", fill=False, stat="density", common_norm=False, ax=ax,
            palette={label(name): colour for name, colour in palette.items()}, legend=ax is axes.flat[0], linewidth=1,
        )  # fmt: skip
        ax.set(title=title, xlabel="distance of two images of a prompt", ylabel="density", yticks=[])
    sns.move_legend(axes.flat[0], "center right", fontsize=6, title=None)
    return {"pairwise_distances": figure}
