"""Nearest neighbours in another set: distance, and precision, recall, density and coverage by k-nearest balls."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.distance import cdist

from pipeline.params import BadInput

K = 5  # as in Naeem et al. 2020


def radii(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """Distance of each row to its K-th nearest other row."""
    if len(x) <= K:
        raise BadInput(f"nearest neighbours: expected more than {K} rows, got {len(x)}")
    return np.partition(cdist(x, x), K, axis=1)[:, K]  # place 0 is the row itself


def inside(points: Float[np.ndarray, "n d"], centres: Float[np.ndarray, "m d"]) -> Bool[np.ndarray, "n m"]:
    """Whether each point lies in the ball of each centre, the ball's edge included."""
    return cdist(points, centres) <= radii(centres)


def nearest_distance(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Mean distance of an own row to the nearest row of the reference, in the features' units."""
    return float(cdist(own, reference).min(1).mean())


def precision(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Share of own rows in some ball of the reference (Kynkaanniemi et al. 2019)."""
    return float(inside(own, reference).any(1).mean())


def recall(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Share of the reference's rows in some ball of the own rows."""
    return float(inside(reference, own).any(1).mean())


def density(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Mean number of the reference's balls around an own row, over K (Naeem et al. 2020); may exceed 1."""
    return float(inside(own, reference).sum(1).mean() / K)


def coverage(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Share of the reference's balls with an own row inside."""
    return float(inside(own, reference).any(0).mean())
