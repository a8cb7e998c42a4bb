"""STAGE distances: every metric of one image set, prompt by prompt, and again with each particle set left out; without
SET, of all sets but those of methods that failed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from analysis.metrics.metrics import AGAINST, ALONE, PAIRED, READINGS
from analysis.metrics.samples import Replicates, Sample, TwoSamples, kept_rows
from analysis.study.inputs import features_of
from analysis.study.results import Row, write_results
from analysis.study.rows import Key, compared_with, is_paired, keys_of, particle_set
from analysis.study.settings import Study
from pipeline.profile.prompts import Prompt, read_prompts
from pipeline.profile.scratch import scratch_folder
from pipeline.profile.stage import main
from pipeline.sets.failures import sets_made
from pipeline.sets.feature_sets import FeatureSet, require_same_spaces
from pipeline.sets.image_sets import read_run
from repulsion.core.errors import BadInput
from repulsion.core.files import new_file

MANY = 2000  # images of a prompt: with fewer, BLAS's threads wait for each other four times as long as one works

Vectors = dict[str, np.ndarray]
Take = Callable[[Key], Replicates]
# metric -> the reading that it is taken of, and the metric of any rows of it
READING_OF = {metric: (reading, take) for reading, metrics in READINGS.items() for metric, take in metrics.items()}


def value_or_reason(take: Take, key: Key) -> tuple[float | None, tuple[float, ...], str]:
    """A metric of all rows, and of the rows without each part; or nothing, and the reason why there is no value."""
    try:
        value, *left_out = map(float, take(key))
    except BadInput as error:
        return None, (), str(error)
    return value, tuple(left_out), ""


def of_readings(
    own: Vectors, parts: Int[np.ndarray, " n"], subject: str, classes: dict[str, Shaped[np.ndarray, " _"]]
) -> Take:
    """The metrics of what the encoder reads in the images."""
    kept = kept_rows(parts)

    def take(key: Key) -> Replicates:
        reading, metric = READING_OF[key.metric]
        column = list(classes["subject"]).index(subject) if reading == "subject" else -1
        return np.array([metric(own[reading][keep], column) for keep in kept])

    return take


def in_space(own: Sample, others: dict[str, Float[np.ndarray, "m d"]]) -> Take:
    """The metrics of the vectors of one space: of the set alone, to other sets, and of pairs with the baseline, whose
    particle sets are left out together with the set's own. Those to one set share its matrices."""
    pairs = {other: TwoSamples(own, Sample.whole(vectors)) for other, vectors in others.items()}

    def take(key: Key) -> Replicates:
        if key.metric in ALONE:
            return ALONE[key.metric](own)
        if key.metric in PAIRED:
            return PAIRED[key.metric](TwoSamples(own, Sample(others[key.against], own.parts)))
        return AGAINST[key.metric](pairs[key.against])

    return take


def of_prompt(study: Study, name: str, prompt: Prompt, own: FeatureSet, others: dict[str, FeatureSet]) -> list[Row]:
    """Every metric of one prompt's images. Space by space, and what a space's metrics share is dropped before the next:
    at 10,000 images each matrix of pairs is 0.8 GB."""
    vectors, index = own.of(prompt.prompt_id), np.sort(own.index[own.prompt_id == prompt.prompt_id])
    beside = {other: features.of(prompt.prompt_id) for other, features in others.items()}
    parts, rows = particle_set(study, name, index), []
    for space, keys in groupby(keys_of(study, name, [prompt]), attrgetter("space")):
        if space:
            take = in_space(Sample(vectors[space], parts), {other: found[space] for other, found in beside.items()})
        else:
            take = of_readings(vectors, parts, prompt.subject, own.classes)
        with threadpool_limits(1 if len(index) < MANY else None, "blas"):
            rows += [Row(*key, len(index), *value_or_reason(take, key)) for key in keys]
    return rows


def compute(study: Study, name: str) -> None:
    """The results file of one set. What it was made of, it need not be made of again: it is kept in the scratch folder,
    too, as DVC deletes outputs before a stage."""
    own, others = features_of(study, name), {}
    for other in (*compared_with(study, name), *([study.analysis.baseline] if is_paired(study, name) else [])):
        others[other] = features_of(study, other)
        require_same_spaces(own, others[other], f"set {name}")
    prompts, run = read_prompts(study.prompts_file), read_run(study.samples(name))
    files = [file_hash(study.features(one)) for one in (name, *others)]
    sizes = asdict(study.sampling), study.references, asdict(study.analysis)
    folder = scratch_folder(study.scratch / "distances" / name, files, [asdict(q) for q in prompts], run, *sizes)
    path, kept = study.distances_file(name), folder / "results.json"
    if kept.is_file():
        copy(kept, path)
        return
    write_results(study, name, [r for q in prompts for r in of_prompt(study, name, q, own, others)], run)
    copy(path, kept)


def copy(made: Path, path: Path) -> None:
    with new_file(path) as part:
        shutil.copyfile(made, part)


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(study: Study, name: str | None = None) -> None:
    """Without a name, of all sets; results of sets that the profile no longer has are deleted."""
    if name:
        compute(study, name)
        return
    made = sets_made(study)
    for path in study.distances_file("any").parent.glob("*.json"):
        if path.stem not in made:
            path.unlink()
    for one in tqdm(made, desc="distances"):
        compute(study, one)


if __name__ == "__main__":
    main(run, "SET", kind=Study)
