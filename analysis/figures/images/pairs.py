"""FIGURE pairs: the nearest and the farthest pair of one prompt's images, in each space: what a space sees."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analysis.figures.style import WIDTH
from analysis.metrics.samples import Sample
from analysis.paper.labels import SPACE_LABELS, label
from analysis.study.inputs import features_of, manifest_of
from analysis.study.settings import Study
from pipeline.sets.image_sets import read_images


def extremes(vectors: np.ndarray) -> list[tuple[int, int]]:
    """The rows of the nearest and of the farthest pair."""
    distance = Sample.whole(vectors).squared
    np.fill_diagonal(distance, np.nan)
    shape = distance.shape
    return [tuple(map(int, np.unravel_index(k, shape))) for k in (np.nanargmin(distance), np.nanargmax(distance))]


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    prompt_id, sets = prompt_ids[0], [*study.methods, study.analysis.reference]
    figure, axes = plt.subplots(
        len(sets), 2 * len(SPACE_LABELS), figsize=(WIDTH, 0.42 * len(sets) + 0.6), squeeze=False, layout="constrained"
    )
    for top, (row, name) in enumerate(zip(axes, sets, strict=True)):
        manifest = manifest_of(study, name)
        files = manifest[manifest["prompt_id"] == prompt_id].sort_values("index")["file"].to_list()
        vectors = features_of(study, name).of(prompt_id)
        row[0].set_ylabel(label(name), rotation=0, ha="right", va="center", fontsize=7)
        pairs = {
            f"{title}\n{kind}": pair
            for space, title in SPACE_LABELS.items()
            for kind, pair in zip(("nearest", "farthest"), extremes(vectors[space]), strict=True)
        }
        images = read_images(study.samples(name), [files[k] for pair in pairs.values() for k in pair])
        gap = np.full((images.shape[1], 3, 3), 255, np.uint8)
        for ax, title, one, other in zip(row, pairs, images[::2], images[1::2], strict=True):
            ax.imshow(np.concatenate([one, gap, other], axis=1))
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            if top == 0:
                ax.set_title(title.replace(" (", "\n("), fontsize=6)  # a column is too narrow for both words
    return {"pairs": figure}
