"""Every metric of one set against another, for sets whose truth is known."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from analysis.metrics import AGAINST, ALONE, READINGS
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
    asked = {key: (AGAINST[key[0]], own[key[1]], reference[key[1]]) for key in product(AGAINST, SPACES)}
    asked |= {key: (AGAINST[key[0]], own[key[1]], reference[key[1]]) for key in product(CANDIDATE_METRICS, spaces)}
    asked |= {key: (ALONE[key[0]], own[key[1]]) for key in product(ALONE, SPACES)}
    for reading, metrics in READINGS.items():
        if reading not in own:
            continue
        column = SUBJECTS.index(subject) if reading == "subject" else -1
        asked |= {(name, ""): (metric, own[reading], column) for name, metric in metrics.items()}
    return {key: value(*call) for key, call in asked.items()}


def value(metric, *arguments) -> float:
    try:
        return metric(*arguments)
    except BadInput:
        return float("nan")
