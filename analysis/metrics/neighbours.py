"""Nearest neighbours in another set: distance, and precision, recall, density and coverage by k-nearest balls.

A ball reaches from a row to its K-th nearest other row, its edge included. Each raises BadInput where the set that the
balls are of has no more than K rows.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from analysis.metrics import samples
from analysis.metrics.samples import Replicates, TwoSamples


def nearest_distance(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Mean distance of an own row to the nearest row of the reference, in the features' units."""
    return float(nearest_distance_replicates(TwoSamples.whole(own, reference))[0])


def precision(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Share of own rows in some ball of the reference (Kynkaanniemi et al. 2019)."""
    return float(precision_replicates(TwoSamples.whole(own, reference))[0])


def recall(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Share of the reference's rows in some ball of the own rows."""
    return float(recall_replicates(TwoSamples.whole(own, reference))[0])


def density(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Mean number of the reference's balls around an own row, over K (Naeem et al. 2020); may exceed 1."""
    return float(density_replicates(TwoSamples.whole(own, reference))[0])


def coverage(own: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Share of the reference's balls with an own row inside."""
    return float(coverage_replicates(TwoSamples.whole(own, reference))[0])


def mean_of_rows(values: Float[np.ndarray, " n"], pair: TwoSamples) -> Replicates:
    return pair.own.weights @ values / pair.own.sizes


def nearest_distance_replicates(pair: TwoSamples) -> Replicates:
    """nearest_distance of all own rows, then without each part."""
    return mean_of_rows(np.sqrt(pair.squared.min(1)), pair)


def precision_replicates(pair: TwoSamples) -> Replicates:
    """precision of all own rows, then without each part."""
    return mean_of_rows(pair.inside.any(1), pair)


def density_replicates(pair: TwoSamples) -> Replicates:
    """density of all own rows, then without each part."""
    return mean_of_rows(pair.inside.sum(1), pair) / samples.K


def coverage_replicates(pair: TwoSamples) -> Replicates:
    """coverage of all own rows, then without each part."""
    # own rows in each ball: whole numbers, which float32 holds up to 16 million
    count = pair.own.kept.astype(np.float32) @ pair.inside.astype(np.float32)
    return (count > 0).mean(1)


def recall_replicates(pair: TwoSamples) -> Replicates:
    """recall of all own rows, then without each part.

    Without a part balls only grow, and only those grow that had a row of it among their K nearest: the others are
    looked at once for all parts.
    """
    radii = pair.own.radii
    reached = pair.squared <= radii[0][:, None]
    count = pair.own.kept.astype(np.float32) @ reached.astype(np.float32)
    values = []
    for keep, radius, kept_count in zip(pair.own.kept, radii, count, strict=True):
        grown = keep & (radius > radii[0])
        wider = (pair.squared[grown] <= radius[grown, None]).any(0)
        values.append(((kept_count > 0) | wider).mean())
    return np.array(values)
