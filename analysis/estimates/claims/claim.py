"""Kinds of evidence and numbers, and the verdict: a claim holds where its number is above 0 with its whole interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimates.control import own_part
from analysis.estimates.estimates import GAIN_METRIC, GAIN_SPACES, Estimate, estimates, gains, gap_estimates
from analysis.study.settings import Study


@dataclass(frozen=True)
class Evidence:
    """Shares of the gap closed, by space and method; subject accuracy less plain's, by method, and its margin."""

    gaps: dict[str, dict[str, Estimate]]
    accuracy: dict[str, Estimate]
    margin: float


def evidence(results: pd.DataFrame, study: Study) -> Evidence:
    gaps = {space: gap_estimates(results, study, GAIN_METRIC, space) for space in GAIN_SPACES}
    if not (results["metric"] == "subject_accuracy").any():
        return Evidence(gaps, {}, float("nan"))
    found = estimates(results, "subject_accuracy")
    lost = {m: found[m] - found[study.analysis.baseline] for m in study.methods}
    return Evidence(gaps, lost, study.analysis.margins["subject_accuracy"])


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
    return lambda e: Estimate(e.accuracy[method].value - e.margin, e.accuracy[method].draws - e.margin)


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
