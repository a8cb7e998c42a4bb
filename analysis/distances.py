"""STAGE distances: every metric of one image set, prompt by prompt, and again with each particle set left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Int

from analysis.metrics import AGAINST, ALONE, READINGS
from analysis.results import Row, write_results
from pipeline.feature_sets import SPACES, FeatureSet, read_features, require_same_encoder
from pipeline.image_sets import read_manifest, read_run
from pipeline.params import BadInput
from pipeline.profile import Profile
from pipeline.prompts import Prompt, read_prompts
from pipeline.stage import main

REALISM_SPACE = "general"
Vectors = dict[str, np.ndarray]


def particle_set(profile: Profile, name: str, index: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Which particle set each image belongs to. A reference's images are independent but lie artist by artist: dealt
    out in turn, every part has all artists."""
    p = profile.sampling
    return index % p.sets if name in profile.references else index // p.particles


def measured(
    metric: Callable[[np.ndarray], float], vectors: np.ndarray, parts: Int[np.ndarray, " n"]
) -> tuple[float | None, list[float], str]:
    """A metric of all rows, and of the rows without each part; or nothing, and the reason why there is no value."""
    try:
        left_out = [metric(vectors[parts != part]) for part in np.unique(parts)] if len(np.unique(parts)) > 1 else []
        return metric(vectors), left_out, ""
    except BadInput as error:
        return None, [], str(error)


def against(own: Vectors, other: Vectors, other_name: str, spaces: tuple[str, ...]) -> Iterator[tuple]:
    """(metric, space, against, vectors, function of them) of every distance to another set's images of the prompt."""
    for name, metric in AGAINST.items():
        for space in spaces:
            yield name, space, other_name, own[space], lambda x, m=metric, b=other[space]: m(x, b)


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


def of_prompt(profile: Profile, name: str, prompt: Prompt, own: FeatureSet, others: dict[str, FeatureSet]) -> list[Row]:
    vectors, index = own.of(prompt.prompt_id), np.sort(own.index[own.prompt_id == prompt.prompt_id])
    parts = particle_set(profile, name, index)
    todo = list(alone(vectors, prompt, own.classes))
    for other_name, other in others.items():
        rows = other.of(prompt.prompt_id)
        if not len(rows["general"]):
            raise BadInput(f"set {other_name} has no images of prompt {prompt.prompt_id}")
        spaces = SPACES if other_name == profile.distances.reference else (REALISM_SPACE,)
        todo += against(vectors, rows, other_name, spaces)
    return [
        Row(prompt.prompt_id, metric, space, against, len(index), *measured(function, x, parts))
        for metric, space, against, x, function in todo
    ]


def run(profile: Profile, name: str) -> None:
    p = profile.distances
    own, others = read_features(profile.features(name)), {}
    manifest = read_manifest(profile.samples(name))
    if list(own.prompt_id) != list(manifest["prompt_id"]) or list(own.index) != list(manifest["index"]):
        raise BadInput(f"{profile.features(name)}: its rows are not the images of {profile.samples(name)}")
    for other in dict.fromkeys((p.reference, p.realism)):
        if other != name:
            others[other] = read_features(profile.features(other))
            require_same_encoder(own, others[other], f"set {name}")
    rows = [r for q in read_prompts(profile.prompts_file) for r in of_prompt(profile, name, q, own, others)]
    write_results(profile, name, rows, read_run(profile.samples(name)))


if __name__ == "__main__":
    main(run, "SET")
