"""One particle set of a profile: sampled by a method from a prompt's text, and everything that it depends on."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.profile.profile import Profile
from pipeline.sampling.shards import Job
from pipeline.sets.image_sets import ParticleSet
from repulsion.core.compute import ComputeParams
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.model import load_pipeline
from repulsion.diffusion.model_folder import parts_of
from repulsion.sampling.methods import Method
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest
from repulsion.tensors.noise import keyed_seed
from repulsion.tensors.weights import hash_of

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

    from repulsion.forces.style_classifier import StyleClassifier


@cache
def pipeline_of(model: str, device: str, compute: ComputeParams) -> DiffusionPipeline:
    """The model in this folder, loaded once in a process that makes several sets."""
    return load_pipeline(Path(model), device, compute)


def sample_set(
    pipe: DiffusionPipeline,
    method: Method,
    classifier: StyleClassifier | None,
    profile: Profile,
    seed: int,
    job: Job,
    name: str,
    unfinished: Path,
) -> ParticleSet:
    """The images of one particle set, started from noise keyed by (seed, prompt_id, index). In the folder `unfinished`
    x is kept until the set is written."""
    prompt_id, compute = job.prompt.prompt_id, profile.compute
    request = SetRequest(
        texts=list(job.texts) if len(job.texts) > 1 else job.texts[0],
        seed=seed,
        prompt_id=prompt_id,
        **profile.sampling.of_a_set(),
        gradient_batch=compute.gradient_batch,
        decode_batch=compute.decode_batch,
        name=f"{name}, prompt {prompt_id}",
    )
    made = sample_particles(pipe, method, request, list(job.index), classifier, unfinished)
    images = to_images(pipe, made.x0, compute.decode_batch).permute(0, 2, 3, 1).numpy()
    seeds = [keyed_seed(seed, prompt_id, index, "start") for index in made.index]
    forces = [(e.level, e.sigma, e.score_norm, e.repulsion_norm) for e in made.evaluations]
    return ParticleSet(prompt_id, list(job.index), seeds, images, forces, made.passes, made.backward_passes)


def inputs_of(profile: Profile) -> list[Any]:
    """What every sampled set depends on besides its own parameters."""
    return [profile.sampling.of_a_set(), profile.device, asdict(profile.compute), model_hash(profile.model)]


@cache
def model_hash(model: str) -> str:
    """Of what sampling depends on in this folder."""
    return hash_of(*parts_of(Path(model)))
