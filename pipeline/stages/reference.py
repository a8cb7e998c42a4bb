"""STAGE reference: an image set that methods are compared with; without REFERENCE, all of them in one process.

`named` samples each prompt by every artist, which is as diverse as the model can be (the thesis's max_div); `rendered`
renders the prompt's subject in the profile's world itself, artists and places uniform: what the model was to learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import torch

from pipeline.profile.executor import works_here
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import Prompt, read_artists, read_prompts
from pipeline.profile.sections import ReferenceParams
from pipeline.profile.stage import main
from pipeline.sampling.particle_sets import inputs_of, pipeline_of, sample_set
from pipeline.sampling.shards import Job, Make, make_set
from pipeline.sets.image_sets import ParticleSet
from pipeline.world.captions import parse
from pipeline.world.render import render
from pipeline.world.scene import scenes, uniform_places
from pipeline.world.worlds import World, world_of
from repulsion.core.errors import require_one_of
from repulsion.sampling.methods import PLAIN
from repulsion.tensors.devices import require_device
from repulsion.tensors.noise import keyed_generator, keyed_seed


def jobs(prompts: list[Prompt], artists: list[str], each: int, particles: int) -> list[Job]:
    """Every prompt by every artist, `each` times, cut into jobs of at most `particles` images."""
    made = []
    for prompt in prompts:
        texts = [prompt.by(artist) for artist in artists for _ in range(each)]
        for k in range(0, len(texts), particles):
            part = tuple(texts[k : k + particles])
            made.append(Job(prompt, tuple(range(k, k + len(part))), part))
    return made


def named(profile: Profile, name: str, p: ReferenceParams) -> Make:
    pipe = pipeline_of(profile.model, profile.device, profile.compute)
    return lambda job, unfinished: sample_set(pipe, PLAIN, None, profile, p.seed, job, name, unfinished)


def rendered(profile: Profile, name: str, p: ReferenceParams) -> Make:
    return lambda job, unfinished: render_set(world_of(profile.world), p.seed, job)


def render_set(world: World, seed: int, job: Job) -> ParticleSet:
    """Renders of the job's captions, each scene drawn by a generator of its own."""
    seeds = [keyed_seed(seed, job.prompt.prompt_id, index, "scene") for index in job.index]
    parts = []
    for text, index in zip(job.texts, job.index, strict=True):
        generator = keyed_generator(seed, job.prompt.prompt_id, index, "scene")
        subject, artist = parse(world, text)
        row = torch.tensor([world.subjects.index(subject)]), torch.tensor([world.artists.index(artist)])
        parts.append(scenes(*row, uniform_places(1, generator), generator))
    images = torch.cat([render(world, scene) for scene in parts]).permute(0, 2, 3, 1).numpy()
    return ParticleSet(job.prompt.prompt_id, list(job.index), seeds, images, [], 0)


REFERENCES: dict[str, Callable[[Profile, str, ReferenceParams], Make]] = {
    "named": named,
    "rendered": rendered,
}


def run(profile: Profile, name: str | None = None) -> None:
    if works_here(profile):
        require_device(profile.device)
    prompts, artists = read_prompts(profile.prompts_file), read_artists(profile.artists_file)
    for one in [name] if name else profile.references:
        require_one_of(one, profile.reference_sets, "reference")
        p = profile.reference_sets[one]
        todo = jobs(prompts, artists, p.images_per_artist, profile.sampling.particles)
        make_set(profile, one, todo, [asdict(p), *inputs_of(profile)], partial(REFERENCES[p.kind], profile, one, p))


if __name__ == "__main__":
    main(run, "REFERENCE")
