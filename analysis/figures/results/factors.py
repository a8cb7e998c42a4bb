"""FIGURES artist_shares and places: where the world's factors went, for plain sampling and each method."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from analysis.estimates.efficiency import reads_factors
from analysis.estimates.estimates import SEED, estimates
from analysis.estimates.intervals import band, resampled, times_drawn
from analysis.figures.style import WIDTH
from analysis.metrics import truth
from analysis.metrics.samples import kept_rows
from analysis.paper.labels import label
from analysis.paper.printing import printed
from analysis.study.inputs import features_of
from analysis.study.results import read_results
from analysis.study.rows import particle_set
from analysis.study.settings import Study
from pipeline.sets.feature_sets import FeatureSet


def share_draws(study: Study, name: str, features: FeatureSet, prompt_ids: list[str]) -> np.ndarray:
    """Each artist's share, mean over prompts, in every resample, [resamples, artists]."""
    values, left_out = [], []
    for prompt_id in prompt_ids:
        reading = features.of(prompt_id)["artist"]
        kept = kept_rows(particle_set(study, name, np.arange(len(reading))))
        whole, *others = (truth.artist_shares(reading[keep]) for keep in kept)
        values.append(whole)
        left_out.append(others)
    if study.sampling.sets_per_prompt < 2:
        return np.full((1, values[0].size), np.nan)
    return resampled(
        np.array(values), np.array(left_out), times_drawn(len(values), study.sampling.sets_per_prompt, SEED)
    )


def artist_shares(study: Study, sets: dict[str, FeatureSet], prompt_ids: list[str]) -> plt.Figure:
    """Share of each artist in each set, mean over prompts; behind each name the effective number of artists, and below
    all how far the intervals of shares reach."""
    names = next(iter(sets.values())).classes["artist"]
    effective = estimates(read_results(study), "effective_artists")
    rows, widest = {}, 0.0
    for name, features in sets.items():
        shares = np.mean([truth.artist_shares(features.of(q)["artist"]) for q in prompt_ids], axis=0)
        rows[f"{label(name)}: {printed(effective[name])}"] = shares
        widest = max(widest, np.abs(band(share_draws(study, name, features, prompt_ids)) - shares).max())
    table = pd.DataFrame(rows, index=names).T
    figure, ax = plt.subplots(figsize=(WIDTH, 0.22 * len(rows) + 1.3), layout="constrained")
    sns.heatmap(table, cmap="rocket_r", vmin=0, vmax=1, ax=ax, cbar_kws={"label": "share"}, linewidths=0.3)
    ax.set(xlabel="", ylabel="", title="artists; behind each set its effective number of artists")
    ax.set_xlabel(f"no 95% interval of a share reaches farther than {widest:.3f} from it", fontsize=8)
    ax.tick_params(axis="x", rotation=60, labelsize=7)
    ax.tick_params(axis="y", rotation=0, labelsize=7)
    return figure


def places(study: Study, sets: dict[str, FeatureSet], prompt_ids: list[str]) -> plt.Figure:
    """Where the subject stands in each image, as the readout finds it; all prompts together."""
    columns, spread = 4, estimates(read_results(study), "place_spread")
    shape = (-(-len(sets) // columns), columns)
    figure, axes = plt.subplots(*shape, figsize=(WIDTH, 1.9 * shape[0]), layout="constrained", squeeze=False)
    for ax in axes.flat[len(sets) :]:
        ax.set_visible(False)
    for ax, (name, features) in zip(axes.flat, sets.items(), strict=False):
        found = [features.of(q)["place"] for q in prompt_ids]
        points = np.concatenate(found)
        ax.scatter(points[:, 0], points[:, 1], s=5, alpha=0.5, linewidths=0)
        ax.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[], aspect="equal")
        ax.set_title(f"{label(name)}\nspread {printed(spread[name])}", fontsize=7)
    return figure


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    """Nothing where the encoder reads no factors."""
    if not reads_factors(study):
        return {}
    sets = {name: features_of(study, name) for name in study.image_sets}
    return {"artist_shares": artist_shares(study, sets, prompt_ids), "places": places(study, sets, prompt_ids)}
