"""METRICS: every metric of the benchmark, and on which of a set's vectors it is taken. The only list."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis import truth
from analysis.frechet import frechet
from analysis.kid import kid
from analysis.mmd import mmd, mmd_of_pairs
from analysis.neighbours import coverage, density, nearest_distance, precision, recall
from analysis.similarity import mean_similarity, rke, vendi

# (own vectors, other set's vectors) -> value
AGAINST: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "frechet": frechet,
    "mmd": mmd,
    "kid": kid,
    "precision": precision,
    "recall": recall,
    "density": density,
    "coverage": coverage,
    "nearest_distance": nearest_distance,
}
# own vectors -> value
ALONE: dict[str, Callable[[np.ndarray], float]] = {"mean_similarity": mean_similarity, "rke": rke, "vendi": vendi}
# own and the baseline's vectors side by side, image by image from the same noise -> value: the marginal drift, how far
# the images of a method have moved from what the model draws by itself
PAIRED: dict[str, Callable[[np.ndarray], float]] = {"drift": mmd_of_pairs}
# reading -> {metric: (the reading's rows, the column of the prompt's own class or -1) -> value}
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
