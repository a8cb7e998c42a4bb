"""STAGE distances: every metric of one image set, prompt by prompt, and again with each particle set left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
from jaxtyping import Float, Int

from analysis.metrics import AGAINST, ALONE, PAIRED, READINGS
from analysis.results import Row, write_results
from analysis.samples import Replicates, Sample, TwoSamples, kept_rows
from analysis.settings import Study
from pipeline.feature_sets import SPACES, FeatureSet, read_features, require_same_encoder
from pipeline.image_sets import read_manifest, read_run
from pipeline.params import BadInput
from pipeline.prompts import Prompt, read_prompts
from pipeline.stage import main

ONE_SPACE = ("general",)  # in which realism and drift are measured
Vectors = dict[str, np.ndarray]
# metric, space, the other set's name (either may be empty), and the metric still to be taken
Asked = tuple[str, str, str, Callable[[], Replicates]]


def particle_set(study: Study, name: str, index: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Which particle set each image belongs to. A reference's images are independent but lie artist by artist: dealt
    out in turn, every part has all artists."""
    p = study.sampling
    return index % p.sets if name in study.references else index // p.particles


def measured(metric: Callable[[], Replicates]) -> tuple[float | None, list[float], str]:
    """A metric of all rows, and of the rows without each part; or nothing, and the reason why there is no value."""
    try:
        value, *left_out = map(float, metric())
    except BadInput as error:
        return None, [], str(error)
    return value, left_out, ""


def asked(study: Study) -> dict[str, tuple[str, ...]]:
    """To which sets distances are taken, and in which spaces."""
    return {study.analysis.realism: ONE_SPACE, study.analysis.reference: SPACES}


def readings(
    own: Vectors, parts: Int[np.ndarray, " n"], prompt: Prompt, classes: dict[str, np.ndarray]
) -> Iterator[Asked]:
    """Every metric of what the encoder reads in the images; none where it does not."""
    kept = kept_rows(parts)
    for reading, metrics in READINGS.items():
        if reading not in own or (reading == "subject" and prompt.subject not in classes["subject"]):
            continue
        column = list(classes["subject"]).index(prompt.subject) if reading == "subject" else -1
        for name, metric in metrics.items():
            yield name, "", "", lambda m=metric, x=own[reading], c=column: np.array([m(x[keep], c) for keep in kept])


def in_space(study: Study, space: str, own: Sample, others: dict[str, Float[np.ndarray, "m d"]]) -> Iterator[Asked]:
    """Every metric of the vectors of one space: of the set alone, to the sets that distances are taken to in it, and of
    pairs with the baseline, whose particle sets are left out together with the set's own."""
    for name, metric in ALONE.items():
        yield name, space, "", lambda m=metric: m(own)
    for other, spaces in asked(study).items():
        if other in others and space in spaces:
            pair = TwoSamples(own, Sample.whole(others[other]))
            for name, metric in AGAINST.items():
                yield name, space, other, lambda m=metric, p=pair: m(p)
    baseline = study.analysis.baseline
    if baseline in others and space in ONE_SPACE:
        pair = TwoSamples(own, Sample(others[baseline], own.parts))
        for name, metric in PAIRED.items():
            yield name, space, baseline, lambda m=metric, p=pair: m(p)


def of_prompt(study: Study, name: str, prompt: Prompt, own: FeatureSet, others: dict[str, FeatureSet]) -> list[Row]:
    """Every metric of one prompt's images. Space by space, and what a space's metrics share is dropped before the next:
    at 10,000 images each matrix of pairs is 0.8 GB."""
    vectors, index = own.of(prompt.prompt_id), np.sort(own.index[own.prompt_id == prompt.prompt_id])
    parts = particle_set(study, name, index)
    beside = {other: features.of(prompt.prompt_id) for other, features in others.items()}
    for other, rows in beside.items():
        if not len(rows["general"]):
            raise BadInput(f"set {other} has no images of prompt {prompt.prompt_id}")

    spaces = (
        in_space(study, space, Sample(vectors[space], parts), {other: rows[space] for other, rows in beside.items()})
        for space in SPACES
    )
    return [
        Row(prompt.prompt_id, metric, space, against, len(index), *measured(take))
        for metric, space, against, take in chain(readings(vectors, parts, prompt, own.classes), *spaces)
    ]


def run(study: Study, name: str) -> None:
    own, others = read_features(study.features(name)), {}
    manifest = read_manifest(study.samples(name))
    if list(own.prompt_id) != list(manifest["prompt_id"]) or list(own.index) != list(manifest["index"]):
        raise BadInput(f"{study.features(name)}: its rows are not the images of {study.samples(name)}")
    paired = [study.analysis.baseline] if name in study.methods else []
    for other in (*asked(study), *paired):
        if other != name:
            others[other] = read_features(study.features(other))
            require_same_encoder(own, others[other], f"set {name}")
    rows = [r for q in read_prompts(study.prompts_file) for r in of_prompt(study, name, q, own, others)]
    write_results(study, name, rows, read_run(study.samples(name)))


if __name__ == "__main__":
    main(run, "SET", kind=Study)
