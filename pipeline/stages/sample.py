"""STAGE sample: one method's particle sets for every prompt; without METHOD, all methods' in one process.

Image `index` of a prompt starts from the same noise in every method, so that methods are paired.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from pipeline.profile.executor import works_here
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import Prompt, read_prompts
from pipeline.profile.scratch import WORKER
from pipeline.profile.sections import SamplingParams
from pipeline.profile.stage import main
from pipeline.sampling.particle_sets import inputs_of, pipeline_of, sample_set
from pipeline.sampling.passes import set_passes
from pipeline.sampling.shards import Job, Make, make_set
from pipeline.sets.failures import write_failures
from repulsion.forces import style_classifier
from repulsion.sampling.methods import load_method
from repulsion.tensors.devices import require_device
from repulsion.tensors.weights import hash_of


def jobs(prompts: list[Prompt], p: SamplingParams) -> list[Job]:
    """`sets_per_prompt` sets of `particles` images for each prompt, with indices that run on from set to set."""
    starts = range(0, p.images, p.particles)
    return [Job(q, tuple(range(k, k + p.particles)), (q.text,)) for q in prompts for k in starts]


def sample(profile: Profile, name: str) -> None:
    """The image set of one method."""
    p, method = profile.sampling, load_method(name, Path(profile.methods_file))
    folder = Path(profile.style_classifier.folder)

    def load() -> Make:
        pipe = pipeline_of(profile.model, profile.device, profile.compute)
        classifier = style_classifier.load(folder).to(profile.device) if method.needs("classifier") else None
        return lambda job, unfinished: sample_set(pipe, method, classifier, profile, p.seed, job, name, unfinished)

    inputs = [asdict(method), p.seed, *inputs_of(profile)]
    if method.needs("classifier"):
        inputs.append(hash_of(folder))
    if profile.methods_file.endswith(".py"):  # a row does not say what its code does
        inputs.append(hash_of(Path(profile.methods_file)))
    make_set(profile, name, jobs(read_prompts(profile.prompts_file), p), inputs, load, set_passes(profile, method))


def run(profile: Profile, name: str | None = None) -> None:
    """Of all methods, one with values that are not finite is recorded in failed.json with the reason; the others are
    still sampled."""
    if works_here(profile):
        require_device(profile.device)
    if WORKER not in os.environ:
        profile.failed.unlink(missing_ok=True)  # of an earlier run
    if name:
        sample(profile, name)
        return
    failed = {}
    for method in profile.methods:
        try:
            sample(profile, method)
        except FloatingPointError as error:
            failed[method] = str(error)
    if WORKER not in os.environ:
        write_failures(profile, failed)


if __name__ == "__main__":
    main(run, "METHOD")
