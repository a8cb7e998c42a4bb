"""METRICS: every metric of the benchmark, and on which of a set's vectors it is taken. The only list.

Each gives the value of all rows, then without each part: see analysis.metrics.samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.metrics import truth
from analysis.metrics.frechet import frechet_replicates
from analysis.metrics.kid import kid_replicates
from analysis.metrics.mmd import mmd_of_pairs_replicates, mmd_replicates
from analysis.metrics.neighbours import (
    coverage_replicates,
    density_replicates,
    nearest_distance_replicates,
    precision_replicates,
    recall_replicates,
)
from analysis.metrics.samples import Replicates, Sample, TwoSamples
from analysis.metrics.similarity import mean_similarity_replicates, rke_replicates, vendi_replicates

# own sample beside another set's -> values
AGAINST: dict[str, Callable[[TwoSamples], Replicates]] = {
    "frechet": frechet_replicates,
    "mmd": mmd_replicates,
    "kid": kid_replicates,
    "precision": precision_replicates,
    "recall": recall_replicates,
    "density": density_replicates,
    "coverage": coverage_replicates,
    "nearest_distance": nearest_distance_replicates,
}
# own sample -> values
ALONE: dict[str, Callable[[Sample], Replicates]] = {
    "mean_similarity": mean_similarity_replicates,
    "rke": rke_replicates,
    "vendi": vendi_replicates,
}
# own sample beside the baseline's, row by row from the same noise -> values: the marginal drift, how far the images of
# a method have moved from what the model draws by itself
PAIRED: dict[str, Callable[[TwoSamples], Replicates]] = {"drift": mmd_of_pairs_replicates}
# reading -> {metric: (the reading's rows, the column of the prompt's own class or -1) -> value}, of any rows
READINGS: dict[str, dict[str, Callable[[np.ndarray, int], float]]] = {
    "artist": {
        "effective_artists": lambda rows, column: truth.effective_artists(rows),
        "artist_confidence": lambda rows, column: truth.confidence(rows),
    },
    "place": {
        "place_spread": lambda rows, column: truth.place_spread(rows),
        "place_coverage": lambda rows, column: truth.place_coverage(rows),
    },
    "subject": {"subject_accuracy": truth.subject_accuracy},
    "render_error": {"render_error": lambda rows, column: float(rows.mean())},
}
