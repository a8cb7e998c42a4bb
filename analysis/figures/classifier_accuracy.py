"""FIGURE classifier_accuracy: how well the style classifier names the artist, over the noise levels."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from analysis.settings import Study
from analysis.style import WIDTH


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    accuracy = pd.read_csv(study.classifier_accuracy)
    artists = len(pd.read_csv(study.artists_file))
    figure, axes = plt.subplots(figsize=(WIDTH * 0.75, 3.2), layout="constrained")
    sns.lineplot(accuracy, x="level", y="accuracy", hue="set", marker="o", ax=axes)
    sigma = accuracy.drop_duplicates("level").set_index("level")["sigma"]
    last = len(sigma) - 1
    axes.axhline(1 / artists, color="0.4", linestyle=":", linewidth=1)
    axes.text(last, 1 / artists + 0.015, "chance", ha="right", color="0.3", fontsize=8)
    axes.set(xlabel="noise level (0 is the noisiest)", ylabel=f"accuracy, {artists} artists", ylim=(0, 1.02))
    axes.set_xticks(range(0, last + 1, 2))
    top = axes.secondary_xaxis("top")
    top.set_xticks(range(0, last + 1, 4), [rf"$\sigma$ {sigma[k]:.3g}" for k in range(0, last + 1, 4)])
    return {"classifier_accuracy": figure}
