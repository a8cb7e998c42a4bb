"""FIGURE pairwise_distances: how far apart two images of one prompt are, in each space, over all prompts; bands are 95%
intervals.

Pairs are taken over all images of a prompt, also of particle sets that never repelled each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float

from analysis.estimates.estimates import SEED
from analysis.estimates.intervals import band, resampled, times_drawn
from analysis.figures.style import WIDTH, colours
from analysis.metrics.samples import Sample
from analysis.paper.labels import SPACE_LABELS, label
from analysis.study.inputs import features_of
from analysis.study.rows import particle_set
from analysis.study.settings import Study

STEPS = 200


def shares_below(sample: Sample, reach: float) -> Float[np.ndarray, "k steps"]:
    """Share of the pairs i != j that are less far apart than each of STEPS distances up to `reach`: of all rows, then
    without each part. From histograms of each part's rows with all rows, and with each other."""
    distances = np.sqrt(sample.squared)

    def counts(rows: Float[np.ndarray, "n m"]) -> np.ndarray:
        return np.histogram(rows, STEPS, (0, reach))[0]

    parts = [sample.parts == part for part in np.unique(sample.parts)]
    touching = np.array([counts(distances[rows]) for rows in parts])
    within = np.array([counts(distances[np.ix_(rows, rows)]) for rows in parts])
    whole = touching.sum(0)
    found = np.vstack([whole, whole - 2 * touching + within])[: len(sample.kept)]
    found[:, 0] -= sample.kept.sum(1)  # each row with itself
    return found.cumsum(1) / (sample.sizes * (sample.sizes - 1))[:, None]


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    p = study.analysis
    palette = colours(list(study.methods), p.baseline) | {p.reference: (0.0, 0.0, 0.0)}
    features = {name: features_of(study, name) for name in palette}

    def samples(name: str, space: str) -> Iterator[Sample]:
        """One prompt's after the other's: their matrices are large where there are many images."""
        for x in (features[name].of(q)[space] for q in prompt_ids):
            yield Sample(x, particle_set(study, name, np.arange(len(x))))

    figure, axes = plt.subplots(2, 3, figsize=(WIDTH, 4.6), layout="constrained")
    panels = axes.flat[: len(SPACE_LABELS)]
    for ax, (space, title) in zip(panels, SPACE_LABELS.items(), strict=True):
        reach = max(float(np.sqrt(sample.squared.max())) for name in palette for sample in samples(name, space))
        for name, colour in palette.items():
            shares = np.array([shares_below(sample, reach) for sample in samples(name, space)])
            steps = np.linspace(0, reach, STEPS + 1)[1:]
            wide = 2 if name in (p.baseline, p.reference) else 1
            ax.plot(steps, shares[:, 0].mean(0), color=colour, linewidth=wide, label=label(name))
            if shares.shape[1] > 1:
                drawn = times_drawn(len(shares), shares.shape[1] - 1, SEED)
                ends = band(resampled(shares[:, 0], shares[:, 1:], drawn))
                ax.fill_between(steps, *ends, color=colour, alpha=0.15, linewidth=0)
        ax.set_title(title)
    figure.supxlabel("distance of two images of a prompt", fontsize=9)
    figure.supylabel("share of pairs below", fontsize=9)
    axes.flat[-1].set_axis_off()
    axes.flat[-1].legend(*panels[0].get_legend_handles_labels(), loc="center", fontsize=7)
    return {"pairwise_distances": figure}
