"""STAGES sensitivity and sizes, first half: the features of sets rendered from a world with one factor dialled.

What a metric should see in them is known: the dials set their artists, places and noise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from tqdm import tqdm

from pipeline.encoders import evaluation_encoder
from pipeline.encoders.evaluation_encoder import EvaluationEncoder
from pipeline.encoders.feature_spaces import candidate_vectors
from pipeline.encoders.nearest_render import render_error
from pipeline.profile.command_line import arguments
from pipeline.profile.dial_settings import RENDERED, DialSettings, features_path, read_settings, sets_of
from pipeline.world.render import render
from pipeline.world.scene import PLACE_HIGH, PLACE_LOW, scenes, uniform_places
from pipeline.world.worlds import WORLDS, World
from repulsion.core.errors import BadInput, one_line_errors, require_one_of
from repulsion.core.files import new_file
from repulsion.tensors.noise import keyed_generator

BATCH = 512


def dialled(
    world: World, subject: str, n: int, dials: dict[str, float], generator: torch.Generator
) -> UInt8[Tensor, "n 3 64 64"]:
    """n independent renders of a subject: artists uniform over the first of a random order; places uniform over the
    middle part of their range; normal noise on top."""
    chosen = torch.randperm(len(world.artists), generator=generator)[: int(dials["artists"])]
    artist = chosen[torch.randint(len(chosen), (n,), generator=generator)]
    middle = (PLACE_LOW + PLACE_HIGH) / 2
    place = middle + dials["places"] * (uniform_places(n, generator) - middle)
    images = render(world, scenes(torch.full((n,), world.subjects.index(subject)), artist, place, generator))
    if dials["corruption"] > 0:
        noise = torch.randn(images.shape, generator=generator) * 255 * dials["corruption"]
        images = (images + noise).round().clamp(0, 255).to(torch.uint8)
    return images


@torch.no_grad()
def encoded(world: World, network: EvaluationEncoder, images: UInt8[Tensor, "n 3 64 64"]) -> dict[str, np.ndarray]:
    """Every candidate space's vectors and every reading, float32; the render error of the first images only."""
    parts = []
    for some in images.split(BATCH):
        blocks = network.blocks(some)
        reading = network.heads(blocks)
        vectors = candidate_vectors(blocks.early, blocks.middle, blocks.pooled)
        parts.append(vectors | {"subject": reading.subject, "artist": reading.artist, "place": reading.place})
    found = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    subject, artist = (found[name][:RENDERED].argmax(1) for name in ("subject", "artist"))
    error = render_error(world, images[:RENDERED], subject, artist, found["place"][:RENDERED])
    return {name: values.numpy() for name, values in (found | {"render_error": error.unsqueeze(1)}).items()}


def require_known(p: DialSettings) -> None:
    """Raise BadInput for an unknown world, and for subjects or numbers of artists that it does not have."""
    require_one_of(p.world, WORLDS, "world")
    subjects, artists = WORLDS[p.world].subjects, len(WORLDS[p.world].artists)
    for subject in (*p.subjects, *p.sizes.subjects):
        require_one_of(subject, subjects, "subject")
    if (most := max(*p.dials["artists"], p.sizes.artists)) > artists:
        raise BadInput(f"artists: expected at most {artists}, got {most}")


def run(p: DialSettings, part: str) -> None:
    require_known(p)
    world = WORLDS[p.world]
    network = evaluation_encoder.load(Path(p.encoder), world)
    sets = sets_of(part, p)
    subjects = p.sizes.subjects if part == "sizes" else p.subjects
    with tqdm(total=len(sets) * len(subjects), desc=part) as bar:
        for subject in subjects:
            found = {}
            for name, (n, dials) in sets.items():
                images = dialled(world, subject, n, dials, keyed_generator(p.seed, part, subject, name))
                found |= {f"{name}|{space}": vectors for space, vectors in encoded(world, network, images).items()}
                bar.update()
            with new_file(features_path(p, part, subject)) as path, path.open("wb") as file:
                np.savez(file, **found)


def main() -> None:
    path, part = arguments(["params.yaml", "PART"])
    require_one_of(part, ("dials", "sizes"), "part")
    run(read_settings(Path(path)), part)


if __name__ == "__main__":
    with one_line_errors():
        main()
