"""STAGE figures: every figure of the report, as PNG and PDF."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
from tqdm import tqdm

from analysis.figures.images import contact_sheets, pairs
from analysis.figures.results import dials, distance_bars, factors, first_images, front, pairwise_distances
from analysis.figures.sampling import classifier_accuracy, forces, story
from analysis.figures.style import save, theme
from analysis.study.settings import Study
from pipeline.profile.prompts import read_prompts
from pipeline.profile.stage import main

# A figure's file draws from the profile and its prompts' ids: one figure or more, by name.
FIGURES: dict[str, Callable[[Study, list[str]], dict[str, plt.Figure]]] = {
    "contact_sheets": contact_sheets.draw,
    "distance_bars": distance_bars.draw,
    "pairs": pairs.draw,
    "pairwise_distances": pairwise_distances.draw,
    "forces": forces.draw,
    "story": story.draw,
    "classifier_accuracy": classifier_accuracy.draw,
    "factors": factors.draw,
    "first_images": first_images.draw,
    "front": front.draw,
    "dials": dials.draw,
}


def run(study: Study) -> None:
    theme()
    prompt_ids = [p.prompt_id for p in read_prompts(study.prompts_file)]
    for draw in tqdm(FIGURES.values(), desc="figures"):
        for name, figure in draw(study, prompt_ids).items():
            save(figure, study.figures / name)


if __name__ == "__main__":
    main(run, kind=Study)
