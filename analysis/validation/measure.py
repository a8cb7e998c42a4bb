"""Every metric of one set against another, for sets whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np

from analysis.metrics import AGAINST, ALONE, READINGS
from analysis.samples import Replicates, Sample, TwoSamples
from pipeline.feature_sets import SPACES
from pipeline.params import BadInput
from pipeline.world.subjects import SUBJECTS

Key = tuple[str, str]  # metric, space
Vectors = dict[str, np.ndarray]
# Other definitions of location and style: only these two distances are taken in them.
CANDIDATES = ("location_border", "gram_centred", "style_middle")
CANDIDATE_METRICS = ("frechet", "mmd")


def read_sets(path: Path) -> dict[str, Vectors]:
    """The sets of one subject by name, in float64."""
    if not path.is_file():
        raise BadInput(f"{path}: no such features; run python -m pipeline.dials first")
    sets: dict[str, Vectors] = {}
    with np.load(path, allow_pickle=False) as stored:
        for key in stored.files:
            name, space = key.split("|")
            sets.setdefault(name, {})[space] = stored[key].astype(np.float64)
    return sets


def values(own: Vectors, reference: Vectors, subject: str, spaces: tuple[str, ...] = CANDIDATES) -> dict[Key, float]:
    """Every metric in every space, the distances in `spaces` too, and every reading; nan where there is no value."""
    pairs = {space: TwoSamples.whole(own[space], reference[space]) for space in {*SPACES, *spaces}}
    against = [*product(AGAINST, SPACES), *product(CANDIDATE_METRICS, spaces)]
    asked = {(metric, space): (of_all_rows, AGAINST[metric], pairs[space]) for metric, space in against}
    asked |= {
        (metric, space): (of_all_rows, ALONE[metric], pairs[space].own) for metric, space in product(ALONE, SPACES)
    }
    for reading, metrics in READINGS.items():
        if reading not in own:
            continue
        column = SUBJECTS.index(subject) if reading == "subject" else -1
        asked |= {(name, ""): (metric, own[reading], column) for name, metric in metrics.items()}
    return {key: value(*call) for key, call in asked.items()}


def of_all_rows(metric: Callable[..., Replicates], sample: Sample | TwoSamples) -> float:
    return float(metric(sample)[0])


def value(metric: Callable[..., float], *arguments: object) -> float:
    try:
        return metric(*arguments)
    except BadInput:
        return float("nan")
