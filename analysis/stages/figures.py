"""STAGE figures: every figure of the report, as PNG and PDF."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed

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


def draw(figures: str, study: Study, prompt_ids: list[str]) -> None:
    for name, figure in FIGURES[figures](study, prompt_ids).items():
        save(figure, study.figures / name)


def run(study: Study) -> None:
    prompt_ids = [p.prompt_id for p in read_prompts(study.prompts_file)]
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(FIGURES)), initializer=theme) as pool:
        todo = [pool.submit(draw, name, study, prompt_ids) for name in FIGURES]
        for done in tqdm(as_completed(todo), desc="figures", total=len(todo)):
            done.result()


if __name__ == "__main__":
    main(run, kind=Study)
