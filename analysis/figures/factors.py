"""FIGURES artist_shares and places: where the painted world's factors went, for plain sampling and each method."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from analysis import truth
from analysis.settings import Study
from analysis.style import WIDTH, label
from pipeline.feature_sets import FeatureSet, read_features


def artist_shares(sets: dict[str, FeatureSet], prompt_ids: list[str]) -> plt.Figure:
    """Share of each artist in each set, mean over prompts; behind each name the effective number of artists."""
    names = next(iter(sets.values())).classes["artist"]
    rows, effective = {}, {}
    for name, features in sets.items():
        readings = [features.of(q)["artist"] for q in prompt_ids]
        rows[label(name)] = np.mean([truth.artist_shares(r) for r in readings], axis=0)
        effective[label(name)] = np.mean([truth.effective_artists(r) for r in readings])
    table = pd.DataFrame(rows, index=names).T
    table.index = [f"{name} ({effective[name]:.1f})" for name in table.index]
    figure, ax = plt.subplots(figsize=(WIDTH, 0.22 * len(rows) + 1.1), layout="constrained")
    sns.heatmap(table, cmap="rocket_r", vmin=0, vmax=1, ax=ax, cbar_kws={"label": "share"}, linewidths=0.3)
    ax.set(xlabel="", ylabel="", title="artists (in brackets: effective number of artists, mean over prompts)")
    ax.tick_params(axis="x", rotation=60, labelsize=7)
    ax.tick_params(axis="y", rotation=0, labelsize=7)
    return figure


def places(sets: dict[str, FeatureSet], prompt_ids: list[str]) -> plt.Figure:
    """Where the subject stands in each image, as the readout finds it; all prompts together."""
    columns = 4
    shape = (-(-len(sets) // columns), columns)
    figure, axes = plt.subplots(*shape, figsize=(WIDTH, 1.9 * shape[0]), layout="constrained", squeeze=False)
    for ax in axes.flat[len(sets) :]:
        ax.set_visible(False)
    for ax, (name, features) in zip(axes.flat, sets.items(), strict=False):
        found = [features.of(q)["place"] for q in prompt_ids]
        points = np.concatenate(found)
        ax.scatter(points[:, 0], points[:, 1], s=5, alpha=0.5, linewidths=0)
        spread = np.mean([truth.place_spread(place) for place in found])
        ax.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[], aspect="equal")
        ax.set_title(f"{label(name)}\nspread {spread:.3f}", fontsize=7)
    return figure


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    """Nothing where the encoder reads no factors."""
    sets = {name: read_features(study.features(name)) for name in study.sets}
    if not all("artist" in features.classes for features in sets.values()):
        return {}
    return {"artist_shares": artist_shares(sets, prompt_ids), "places": places(sets, prompt_ids)}
