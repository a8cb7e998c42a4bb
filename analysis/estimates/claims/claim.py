"""Kinds of evidence and numbers, and the verdict: a claim holds where its number is above 0 with its whole interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimates.control import own_part
from analysis.estimates.estimates import GAIN_METRIC, GAIN_SPACES, Estimate, gains, gap_estimates
from analysis.estimates.quality import margin_estimates, margin_used
from analysis.study.settings import Study


@dataclass(frozen=True)
class Evidence:
    """Shares of the gap closed, by space and method; quality less plain's, by metric and method; margins, by metric."""

    gaps: dict[str, dict[str, Estimate]]
    quality: dict[str, dict[str, Estimate]]
    margins: dict[str, float]


def evidence(results: pd.DataFrame, study: Study) -> Evidence:
    gaps = {space: gap_estimates(results, study, GAIN_METRIC, space) for space in GAIN_SPACES}
    return Evidence(gaps, margin_estimates(results, study), study.analysis.margins)


Number = Callable[[Evidence], Estimate]


def closed(method: str, space: str) -> Number:
    return lambda e: e.gaps[space][method]


def less(method: str, other: str, space: str) -> Number:
    return lambda e: e.gaps[space][method] - e.gaps[space][other]


def best_of(found: dict[str, Estimate], methods: Sequence[str]) -> Estimate:
    """The largest of the methods' numbers: in every resample, the largest of that one."""
    return Estimate(max(found[m].value for m in methods), np.max([found[m].draws for m in methods], axis=0))


def leads(method: str, space: str, of: Sequence[str]) -> Number:
    """How much more of the gap a method closes than the best of the others."""
    others = [m for m in of if m != method]
    return lambda e: e.gaps[space][method] - best_of(e.gaps[space], others)


def gain(method: str) -> Number:
    return lambda e: gains(e.gaps)[method]


def gain_less(method: str, others: Sequence[str]) -> Number:
    """How much more a method gains than the best of the others."""

    def number(e: Evidence) -> Estimate:
        found = gains(e.gaps)
        return found[method] - best_of(found, others)

    return number


def less_a_half(number: Number) -> Number:
    """By how much a share exceeds a half."""

    def excess(e: Evidence) -> Estimate:
        found = number(e)
        return Estimate(found.value - 0.5, found.draws - 0.5)

    return excess


def away(method: str, space: str) -> Number:
    return lambda e: Estimate(0.0, 0.0 * e.gaps[space][method].draws) - e.gaps[space][method]


def mostly(method: str, own: str) -> Number:
    """By how much the part of its effect that falls in its own space exceeds a half."""
    return less_a_half(lambda e: own_part({space: e.gaps[space][method] for space in ("location", "style")}, own))


def kept(method: str) -> Number:
    """How far above its margin a method's subject accuracy is."""

    def above(e: Evidence) -> Estimate:
        found, margin = e.quality["subject_accuracy"][method], e.margins["subject_accuracy"]
        return Estimate(found.value - margin, found.draws - margin)

    return above


def room(method: str) -> Number:
    """How much of its margin is left of the quality metric that suffers most, as a share of that margin."""

    def left(e: Evidence) -> Estimate:
        if not e.quality:
            raise KeyError(f"{method}: no quality is read")
        used = margin_used({name: by[method] for name, by in e.quality.items()}, e.margins)
        return Estimate(1 - used.value, 1 - used.draws)

    return left


@dataclass(frozen=True)
class Claim:
    """A claim holds where `number` is above 0; `measure` says in words what it is."""

    text: str
    measure: str
    number: Number


def verdict(number: Estimate) -> str:
    low, high = number.interval
    if np.isnan(low):
        return "no interval"
    return "holds" if low > 0 else "does not hold" if high < 0 else "undecided"


def number_of(claim: Claim, of: Evidence) -> Estimate | None:
    """The claim's number; None where a method or a reading that it needs is not there."""
    try:
        return claim.number(of)
    except KeyError:
        return None
