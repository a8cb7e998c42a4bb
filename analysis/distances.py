"""STAGE distances: every metric of one image set, prompt by prompt, and again with each particle set left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product

import numpy as np
from jaxtyping import Int

from analysis.metrics import AGAINST, ALONE, PAIRED, READINGS
from analysis.results import Row, write_results
from analysis.settings import Study
from pipeline.feature_sets import SPACES, FeatureSet, read_features, require_same_encoder
from pipeline.image_sets import read_manifest, read_run
from pipeline.params import BadInput
from pipeline.prompts import Prompt, read_prompts
from pipeline.stage import main

ONE_SPACE = ("general",)  # in which realism and drift are measured
Vectors = dict[str, np.ndarray]


def particle_set(study: Study, name: str, index: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Which particle set each image belongs to. A reference's images are independent but lie artist by artist: dealt
    out in turn, every part has all artists."""
    p = study.sampling
    return index % p.sets if name in study.references else index // p.particles


def measured(
    metric: Callable[[np.ndarray], float], vectors: np.ndarray, parts: Int[np.ndarray, " n"]
) -> tuple[float | None, list[float], str]:
    """A metric of all rows, and of the rows without each part; or nothing, and the reason why there is no value."""
    try:
        left_out = [metric(vectors[parts != part]) for part in np.unique(parts)] if len(np.unique(parts)) > 1 else []
        return metric(vectors), left_out, ""
    except BadInput as error:
        return None, [], str(error)


def asked(study: Study) -> dict[str, tuple[str, ...]]:
    """To which sets distances are taken, and in which spaces."""
    return {study.analysis.realism: ONE_SPACE, study.analysis.reference: SPACES}


def against(own: Vectors, other: Vectors, name: str, spaces: Iterable[str]) -> Iterator[tuple]:
    """(metric, space, against, vectors, function of them) of every distance to another set's images of the prompt."""
    for metric, space in product(AGAINST, spaces):
        yield metric, space, name, own[space], lambda x, m=AGAINST[metric], b=other[space]: m(x, b)


def drift(own: Vectors, baseline: Vectors, name: str) -> Iterator[tuple]:
    """The same of metrics of pairs that start from the same noise; a particle set is left out on both sides at once."""
    for metric, space in product(PAIRED, ONE_SPACE):
        yield metric, space, name, np.hstack([own[space], baseline[space]]), PAIRED[metric]


def alone(own: Vectors, prompt: Prompt, classes: dict[str, np.ndarray]) -> Iterator[tuple]:
    """The same of every metric that needs no other set; readings only where the encoder has them."""
    for name, metric in ALONE.items():
        for space in SPACES:
            yield name, space, "", own[space], metric
    for reading, metrics in READINGS.items():
        if reading not in own or (reading == "subject" and prompt.subject not in classes["subject"]):
            continue
        column = list(classes["subject"]).index(prompt.subject) if reading == "subject" else -1
        for name, metric in metrics.items():
            yield name, "", "", own[reading], lambda x, m=metric, c=column: m(x, c)


def of_prompt(study: Study, name: str, prompt: Prompt, own: FeatureSet, others: dict[str, FeatureSet]) -> list[Row]:
    vectors, index = own.of(prompt.prompt_id), np.sort(own.index[own.prompt_id == prompt.prompt_id])
    parts = particle_set(study, name, index)
    todo = list(alone(vectors, prompt, own.classes))
    for other_name, other in others.items():
        rows = other.of(prompt.prompt_id)
        if not len(rows["general"]):
            raise BadInput(f"set {other_name} has no images of prompt {prompt.prompt_id}")
        if other_name == study.analysis.baseline:
            todo += drift(vectors, rows, other_name)
        else:
            todo += against(vectors, rows, other_name, asked(study)[other_name])
    return [
        Row(prompt.prompt_id, metric, space, against, len(index), *measured(function, x, parts))
        for metric, space, against, x, function in todo
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
