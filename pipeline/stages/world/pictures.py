"""STAGE pictures: the pictures of a world's page, from renders alone (no model needed)."""

from __future__ import annotations

from pathlib import Path

import torch

from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import IMAGE_SIZE, max_diversity, popular
from pipeline.world_model.artifacts import Artifacts, main
from pipeline.world_model.sheets import pair_scenes, save, sheet
from repulsion.tensors.noise import keyed_generator


def run(artifacts: Artifacts) -> None:
    world, folder = artifacts.world, Path(artifacts.params.results) / "pictures"
    size = (IMAGE_SIZE, IMAGE_SIZE)
    everything = render(world, pair_scenes(world, 0)).view(len(world.artists), len(world.subjects), 3, *size)
    save(sheet(everything, list(world.artists), list(world.subjects)), folder / "subjects_by_artists.png")

    generator = keyed_generator(0, "distributions", 0)
    first = torch.zeros(36, dtype=torch.long)
    both = torch.stack(
        [render(world, draw(world, first, generator)).view(4, 9, 3, *size) for draw in (popular, max_diversity)]
    )
    side_by_side = torch.cat(list(both), 1)
    labels = [f'"{caption(world, world.subjects[0], None)}"', "maximum diversity: artists and places uniform"]
    save(sheet(side_by_side, [""] * 4, labels, gap_every=9), folder / "popular_and_max_diversity.png")


if __name__ == "__main__":
    main(run)
