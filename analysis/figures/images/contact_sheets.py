"""FIGURE contact_sheet_PROMPT: the first images of every set, a row each; methods' columns share their start noise."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analysis.figures.style import DPI
from analysis.paper.labels import label
from analysis.paper.pictures import first_images
from analysis.study.settings import Study
from pipeline.sets.image_sets import Images

COLUMNS = 12
LABELS = 0.2  # share of the width for the sets' names


def sheet(images: dict[str, Images]) -> plt.Figure:
    rows = [np.concatenate(of_set, axis=1) for of_set in images.values()]
    height, width = rows[0].shape[0], max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    # one pixel of the sheet is one of the picture
    figure = plt.figure(figsize=(width / (1 - LABELS) / DPI, len(rows) * height / DPI))
    axes = figure.add_axes((LABELS, 0, 1 - LABELS, 1))
    axes.imshow(np.concatenate(rows), interpolation="nearest")
    names = [label(name) for name in images]
    axes.set_yticks([(k + 0.5) * height for k in range(len(rows))], names, fontsize=7)
    axes.set_xticks([])
    axes.grid(False)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


def draw(study: Study, prompt_ids: list[str]) -> dict[str, plt.Figure]:
    images = {name: first_images(study, name, prompt_ids, COLUMNS) for name in study.image_sets}
    return {
        f"contact_sheet_{prompt_id}": sheet({name: of_set[prompt_id] for name, of_set in images.items()})
        for prompt_id in prompt_ids
    }
