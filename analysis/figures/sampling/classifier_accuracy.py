"""FIGURE classifier_accuracy: how well the style classifier names the artist, over the noise levels; bands
are 95% intervals over its trajectories."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analysis.estimates.intervals import share_interval
from analysis.figures.style import WIDTH
from analysis.study.inputs import table_at
from analysis.study.settings import Study
from pipeline.profile.prompts import read_artists


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    axes = [["level", "sigma"], ["set"]]
    accuracy = table_at(study.classifier_accuracy, axes, ["accuracy"], "dvc repro")
    artists = len(read_artists(study.artists_file))
    figure, axes = plt.subplots(figsize=(WIDTH * 0.75, 3.2), layout="constrained")
    p = study.style_classifier
    for name, of_prompt in (("train", p.train), ("held out", p.held_out)):
        rows = accuracy[accuracy["set"] == name]
        (line,) = axes.plot(rows["level"], rows["accuracy"], marker="o", markersize=4, label=name)
        cases = np.full(len(rows), float(of_prompt * len(p.subjects) * artists))
        ends = share_interval(rows["accuracy"].to_numpy(), cases)
        axes.fill_between(rows["level"], *ends, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.legend()
    sigma = accuracy.drop_duplicates("level").set_index("level")["sigma"]
    last = len(sigma) - 1
    axes.axhline(1 / artists, color="0.4", linestyle=":", linewidth=1)
    axes.text(last, 1 / artists + 0.015, "chance", ha="right", color="0.3", fontsize=8)
    axes.set(xlabel="noise level (0 is the noisiest)", ylabel=f"accuracy, {artists} artists", ylim=(0, 1.02))
    axes.set_xticks(range(0, last + 1, 2))
    top = axes.secondary_xaxis("top")
    top.set_xticks(range(0, last + 1, 4), [rf"$\sigma$ {sigma[k]:.3g}" for k in range(0, last + 1, 4)])
    return {"classifier_accuracy": figure}
