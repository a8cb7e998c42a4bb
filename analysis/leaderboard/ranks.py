"""Ranks that say which methods are not told apart."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from scipy.stats import t

from analysis.estimates.estimates import Estimate
from analysis.estimates.intervals import LEVEL, holm


class Rank(NamedTuple):
    """The best and the worst place that a method may have, and the methods that it is not told apart from."""

    best: int
    worst: int
    tied: tuple[str, ...]


def p_paired(difference: Estimate, freedom: int) -> float:
    """Two-sided, by Student's t: the difference over the deviation of its resamples, with `freedom` degrees of freedom.
    Where hundreds of pairs are tested a share of resamples could not be small enough: 10,000 of them end at 0.0002.
    1 for two that are the same in every resample."""
    deviation = difference.draws.std()
    if deviation == 0:
        return float(difference.value == 0)
    return float(2 * t.sf(abs(difference.value) / deviation, freedom))


def ranks(values: dict[str, Estimate], freedom: int) -> dict[str, Rank]:
    """Every pair is tested on the same resamples, by Holm's correction over all pairs. A method's best rank is one more
    than the number of methods that are ahead of it and told apart, its worst follows from those that are behind it."""
    pairs = {f"{a}/{b}": (a, b) for a, b in combinations(values, 2)}
    p = holm({key: p_paired(values[a] - values[b], freedom) for key, (a, b) in pairs.items()})
    told = {frozenset(pair) for key, pair in pairs.items() if p[key] < 1 - LEVEL}
    found = {}
    for name, one in values.items():
        apart = [other for other in values if frozenset((name, other)) in told]
        ahead = sum(values[other].value > one.value for other in apart)
        tied = tuple(other for other in values if other != name and other not in apart)
        found[name] = Rank(1 + ahead, len(values) - (len(apart) - ahead), tied)
    return found


def freedom_of(prompts: int, sets: int) -> int:
    """Degrees of freedom of a difference whose spread is estimated from so many particle sets of so many prompts."""
    return prompts * (sets - 1)
