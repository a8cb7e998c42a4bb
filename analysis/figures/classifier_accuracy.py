"""FIGURE classifier_accuracy: how well the style classifier names the artist, over the noise levels."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

RESULTS = Path("results/style_classifier/accuracy.csv")
FIGURE = Path("results/figures/classifier_accuracy")
CHANCE = 1 / 20
THESIS = 0.15  # the thesis's validation accuracy, averaged over levels, on 20 artists


def draw(accuracy: pd.DataFrame) -> plt.Figure:
    sns.set_theme(style="whitegrid", context="paper")
    figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    sns.lineplot(accuracy, x="level", y="accuracy", hue="set", marker="o", ax=axes)
    sigma = accuracy.drop_duplicates("level").set_index("level")["sigma"]
    last = len(sigma) - 1
    for height, label in ((CHANCE, "chance"), (THESIS, "thesis, mean over levels")):
        axes.axhline(height, color="0.4", linestyle=":", linewidth=1)
        axes.text(last, height + 0.015, label, ha="right", color="0.3", fontsize=8)
    axes.set(xlabel="noise level (0 is the noisiest)", ylabel="accuracy, 20 artists", ylim=(0, 1.02))
    axes.set_xticks(range(0, last + 1, 2))
    top = axes.secondary_xaxis("top")
    top.set_xticks(range(0, last + 1, 4), [rf"$\sigma$ {sigma[k]:.3g}" for k in range(0, last + 1, 4)])
    return figure


def main() -> None:
    figure = draw(pd.read_csv(RESULTS))
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    # without these two the files carry the time of drawing
    figure.savefig(FIGURE.with_suffix(".png"), dpi=160, metadata={"Software": None})
    figure.savefig(FIGURE.with_suffix(".pdf"), metadata={"CreationDate": None})


if __name__ == "__main__":
    main()
