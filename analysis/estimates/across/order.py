"""Whether the order of methods carries over from one profile to another."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from analysis.estimates.estimates import Estimate


def rank_correlation(
    a: Float[np.ndarray, "resamples methods"], b: Float[np.ndarray, "resamples methods"]
) -> Float[np.ndarray, " resamples"]:
    """Spearman's: Pearson's correlation of the ranks, row by row; ties share the mean of their ranks."""
    ranks = [rankdata(values, axis=1) for values in (a, b)]
    x, y = (r - r.mean(1, keepdims=True) for r in ranks)
    return (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))


def order_kept(a: dict[str, Estimate], b: dict[str, Estimate], paired: bool) -> Estimate:
    """The rank correlation of the methods of two profiles; the interval is over particle sets, for these methods.

    `paired`: their particle sets start from the same noise and are drawn together. Those of different prompts are drawn
    apart: one profile's resamples are taken in reverse. Ranks of a resample are noisier than those that were measured,
    so that it need not be centred on the value.
    """
    values = [np.array([[one.value for one in found.values()]]) for found in (a, b)]
    first, second = (np.stack([one.draws for one in found.values()], axis=1) for found in (a, b))
    draws = rank_correlation(first, second if paired else second[::-1])
    return Estimate(float(rank_correlation(*values)[0]), draws)


def ahead(one: Estimate, other: Estimate) -> int:
    """1 where `one` is larger with the whole interval of their difference, -1 where it is smaller, else 0."""
    low, high = (one - other).interval
    return int(low > 0) - int(high < 0)


def agreement(a: dict[str, Estimate], b: dict[str, Estimate]) -> tuple[int, int]:
    """How many pairs of methods each of the two profiles tells apart, and how many of these pairs have the same
    order."""
    told = [(ahead(a[m], a[n]), ahead(b[m], b[n])) for m, n in combinations(a, 2)]
    both = [x == y for x, y in told if x and y]
    return len(both), sum(both)
