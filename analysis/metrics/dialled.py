"""Every metric of one set against another, for sets whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np

from analysis.metrics.metrics import AGAINST, ALONE, READINGS
from analysis.metrics.samples import Replicates, Sample, TwoSamples
from pipeline.profile.dial_settings import RENDERED, DialSettings, sets_of
from pipeline.sets.feature_sets import SPACES, UNREADABLE
from repulsion.core.errors import BadInput, one_line

Key = tuple[str, str]  # metric, space
Vectors = dict[str, np.ndarray]
# Other definitions of location and style: only these two distances are taken in them.
CANDIDATES = ("location_border", "gram_centred", "style_middle")
CANDIDATE_METRICS = ("frechet", "mmd")


def read_sets(path: Path, part: str, p: DialSettings) -> dict[str, Vectors]:
    """The sets of one subject by name, in float64. Raises BadInput for a file that is missing, damaged or of other
    settings: its sets, spaces and numbers of images are those that the settings ask for."""
    again = "run python -m pipeline.stages.dials again"
    if not path.is_file():
        raise BadInput(f"{path}: no such features; {again}")
    sets: dict[str, Vectors] = {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            for key in stored.files:
                name, space = key.split("|")
                sets.setdefault(name, {})[space] = stored[key].astype(np.float64)
    except UNREADABLE as error:
        raise BadInput(f"{path}: cannot be read ({one_line(error)}); {again}") from None
    names = (*SPACES, *CANDIDATES, *READINGS)
    for name, (n, _) in sets_of(part, p).items():
        found = {space: len(rows) for space, rows in sets.get(name, {}).items()}
        wanted = {space: min(n, RENDERED) if space == "render_error" else n for space in names}
        if found != wanted or not all(np.isfinite(rows).all() for rows in sets[name].values()):
            raise BadInput(f"{path}: set {name} is not as the settings ask for it; {again}")
    return sets


def values(own: Vectors, reference: Vectors, subject: int, spaces: tuple[str, ...] = CANDIDATES) -> dict[Key, float]:
    """Every metric in every space, the distances in `spaces` too, and every reading; nan where there is no value.
    `subject` is its index in the world."""
    pairs = {space: TwoSamples.whole(own[space], reference[space]) for space in {*SPACES, *spaces}}
    against = [*product(AGAINST, SPACES), *product(CANDIDATE_METRICS, spaces)]
    calls = {(metric, space): (of_all_rows, AGAINST[metric], pairs[space]) for metric, space in against}
    calls |= {
        (metric, space): (of_all_rows, ALONE[metric], pairs[space].own) for metric, space in product(ALONE, SPACES)
    }
    for reading, metrics in READINGS.items():
        if reading not in own:
            continue
        column = subject if reading == "subject" else -1
        calls |= {(name, ""): (metric, own[reading], column) for name, metric in metrics.items()}
    return {key: value(*call) for key, call in calls.items()}


def of_all_rows(metric: Callable[..., Replicates], sample: Sample | TwoSamples) -> float:
    return float(metric(sample)[0])


def value(metric: Callable[..., float], *arguments: object) -> float:
    try:
        return metric(*arguments)
    except BadInput:
        return float("nan")
