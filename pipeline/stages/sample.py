"""STAGE sample: one method's particle sets for every prompt.

Image `index` of a prompt starts from the same noise in every method, so that methods are paired.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.machine.checks import require_ready
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import Prompt, read_prompts
from pipeline.profile.sections import SamplingParams
from pipeline.profile.stage import main
from pipeline.sampling.shards import Job, Make, make_set
from pipeline.sets.image_sets import ParticleSet
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.model import load_pipeline
from repulsion.diffusion.model_folder import parts_of
from repulsion.forces import style_classifier as classifier
from repulsion.forces.embeddings import CLASSIFIER_SPACES
from repulsion.sampling.methods import Method, load_method
from repulsion.sampling.particles import Question, particles
from repulsion.sampling.sampler import Evaluation
from repulsion.tensors.noise import keyed_seed
from repulsion.tensors.slices import Journal
from repulsion.tensors.weights import hash_of

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

    from repulsion.forces.style_classifier import StyleClassifier


def sample_set(
    pipe: StableDiffusionPipeline,
    method: Method,
    network: StyleClassifier | None,
    profile: Profile,
    seed: int,
    job: Job,
    name: str,
    journal: Journal,
) -> ParticleSet:
    """The images of one particle set, started from noise keyed by (seed, prompt_id, index)."""
    seen = []

    def observe(e: Evaluation) -> None:
        seen.append((e.level, e.sigma, e.score_norm, e.repulsion_norm))

    texts = list(job.texts) if len(job.texts) > 1 else job.texts[0]
    label = f"{name}, prompt {job.prompt.prompt_id}"
    compute = profile.compute
    sizes = {"gradient_batch": compute.gradient_batch, "decode_batch": compute.decode_batch}
    question = Question(texts, seed, job.prompt.prompt_id, **profile.sampling.of_a_set(), **sizes, name=label)
    made = particles(pipe, method, question, list(job.index), network, observe, journal)
    images = to_images(pipe, made.x0, compute.decode_batch, journal).permute(0, 2, 3, 1).numpy()
    seeds = [keyed_seed(seed, job.prompt.prompt_id, index, "start") for index in made.index]
    return ParticleSet(job.prompt.prompt_id, list(job.index), seeds, images, seen, made.passes, made.backward_passes)


def jobs(prompts: list[Prompt], p: SamplingParams) -> list[Job]:
    """`sets` sets of `particles` images for each prompt, with indices that run on from set to set."""
    starts = range(0, p.sets * p.particles, p.particles)
    return [Job(q, tuple(range(k, k + p.particles)), (q.text,)) for q in prompts for k in starts]


def inputs_of(profile: Profile) -> list[Any]:
    """What every sampled set depends on besides its own parameters."""
    model = hash_of(*parts_of(Path(profile.model)))
    return [profile.sampling.of_a_set(), profile.device, asdict(profile.compute), model]


def run(profile: Profile, name: str) -> None:
    require_ready(profile)
    p = profile.sampling
    method = load_method(name, Path(profile.methods_file))
    folder = Path(profile.style_classifier.folder)

    def load() -> Make:
        pipe = load_pipeline(Path(profile.model), profile.device, profile.compute)
        network = classifier.load(folder).to(profile.device).requires_grad_(False)
        return lambda job, journal: sample_set(pipe, method, network, profile, p.seed, job, name, journal)

    inputs = [asdict(method), p.seed, *inputs_of(profile)]
    if set(method.spaces) & set(CLASSIFIER_SPACES):
        inputs.append(hash_of(folder))
    make_set(profile, name, jobs(read_prompts(profile.prompts_file), p), inputs, load)


if __name__ == "__main__":
    main(run, "METHOD")
