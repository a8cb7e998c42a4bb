"""STAGE pictures: the pictures of the world's page, from renders alone (no model needed)."""

from __future__ import annotations

from pathlib import Path

import torch

from pipeline.profile.command_line import arguments
from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.render import IMAGE_SIZE, render
from pipeline.world.scene import max_diversity, popular
from pipeline.world.subjects import SUBJECTS
from pipeline.world_model.sheets import pair_scenes, save, sheet
from repulsion.core.errors import one_line_errors
from repulsion.tensors.noise import keyed_generator

FOLDER = Path("results/world/pictures")


def main() -> None:
    arguments([])
    size = (IMAGE_SIZE, IMAGE_SIZE)
    everything = render(pair_scenes(0)).view(len(ARTIST_NAMES), len(SUBJECTS), 3, *size)
    save(sheet(everything, list(ARTIST_NAMES), list(SUBJECTS)), FOLDER / "subjects_by_artists.png")

    generator = keyed_generator(0, "distributions", 0)
    vase = torch.full((36,), SUBJECTS.index("vase"))
    both = torch.stack([render(draw(vase, generator)).view(4, 9, 3, *size) for draw in (popular, max_diversity)])
    side_by_side = torch.cat(list(both), 1)
    labels = ['"a painting of a vase"', "maximum diversity: artists and places uniform"]
    save(sheet(side_by_side, [""] * 4, labels, gap_every=9), FOLDER / "popular_and_max_diversity.png")


if __name__ == "__main__":
    with one_line_errors():
        main()
