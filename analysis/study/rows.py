"""Which results a set has: every metric in every space, against every other set, of every prompt. The plan that stage
distances carries out and that every reader holds the results to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from analysis.metrics.metrics import AGAINST, ALONE, PAIRED, READINGS
from analysis.study.settings import Study
from pipeline.profile.prompts import Prompt
from pipeline.sets.feature_sets import READS, SPACES

ONE_SPACE = ("general",)  # in which realism and drift are measured


class Key(NamedTuple):
    """What a value is of; `space` and `against` (another set) are empty where the metric has none."""

    prompt_id: str
    metric: str
    space: str
    against: str


def compared_with(study: Study, name: str) -> dict[str, tuple[str, ...]]:
    """The sets to which distances of the set `name` are taken, and in which spaces."""
    spaces = {study.analysis.realism: ONE_SPACE, study.analysis.reference: SPACES}
    return {other: of for other, of in spaces.items() if other != name}


def is_paired(study: Study, name: str) -> bool:
    """Whether a set's images start from the noise of the baseline's, one by one."""
    return name in study.methods and name != study.analysis.baseline


def readings_of(study: Study, prompt: Prompt) -> list[str]:
    """What the profile's encoder reads in a prompt's images: its subject only where the world knows it."""
    return [r for r in READINGS if r in READS[study.encoder.name] and (r != "subject" or prompt.subject)]


def keys_of(study: Study, name: str, prompts: Sequence[Prompt]) -> Iterator[Key]:
    """Every result of a set, in the order in which stage distances takes them."""
    for prompt in prompts:
        one = prompt.prompt_id
        yield from (Key(one, metric, "", "") for r in readings_of(study, prompt) for metric in READINGS[r])
        for space in SPACES:
            yield from (Key(one, metric, space, "") for metric in ALONE)
            others = [other for other, spaces in compared_with(study, name).items() if space in spaces]
            yield from (Key(one, metric, space, other) for other in others for metric in AGAINST)
            if is_paired(study, name) and space in ONE_SPACE:
                yield from (Key(one, metric, space, study.analysis.baseline) for metric in PAIRED)


def particle_set(study: Study, name: str, index: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Which particle set each image belongs to. A reference's images are independent but ordered by artist: assigned
    in turn, every part has all artists."""
    p = study.sampling
    return index % p.sets_per_prompt if name in study.references else index // p.particles
