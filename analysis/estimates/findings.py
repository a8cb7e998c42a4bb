"""Findings: the thesis's claims, each as a number whose interval decides whether it holds here.

The same number is taken of the thesis's published distances, where they give it: it has no interval there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimates.control import own_part
from analysis.estimates.estimates import Estimate, estimates, gap_estimates
from analysis.estimates.gap import published_gap_closed
from analysis.study.settings import Study

SPACES = ("general", "location", "style")
EMBEDDINGS = ("channel_average", "rule_of_thirds", "random_cnn", "style_classifier", "style_classifier_thirds")


@dataclass(frozen=True)
class Evidence:
    """Shares of the gap closed, by space and method; subject accuracy less plain's, by method, and its margin."""

    gaps: dict[str, dict[str, Estimate]]
    accuracy: dict[str, Estimate]
    margin: float


def evidence(results: pd.DataFrame, study: Study) -> Evidence:
    gaps = {space: gap_estimates(results, study, "mmd", space) for space in SPACES}
    if not (results["metric"] == "subject_accuracy").any():
        return Evidence(gaps, {}, float("nan"))
    found = estimates(results, "subject_accuracy")
    lost = {m: found[m] - found[study.analysis.baseline] for m in study.methods}
    return Evidence(gaps, lost, study.analysis.margins["subject_accuracy"])


def published(baseline: str) -> Evidence:
    table = published_gap_closed(baseline)
    gaps = {s: {m: Estimate(v, np.full(1, np.nan)) for m, v in table[s].dropna().items()} for s in SPACES}
    return Evidence(gaps, {}, float("nan"))


Number = Callable[[Evidence], Estimate]


def closed(method: str, space: str) -> Number:
    return lambda e: e.gaps[space][method]


def less(method: str, other: str, space: str) -> Number:
    return lambda e: e.gaps[space][method] - e.gaps[space][other]


def ahead(method: str, space: str) -> Number:
    """How much more of the gap a method closes than the best of the thesis's other embeddings: in every resample, the
    best of that one."""

    def number(e: Evidence) -> Estimate:
        others = [e.gaps[space][m] for m in EMBEDDINGS if m != method]
        best = Estimate(max(one.value for one in others), np.max([one.draws for one in others], axis=0))
        return e.gaps[space][method] - best

    return number


def away(method: str, space: str) -> Number:
    return lambda e: Estimate(0.0, 0.0 * e.gaps[space][method].draws) - e.gaps[space][method]


def mostly(method: str, own: str) -> Number:
    """By how much the part of its effect that falls in its own space exceeds a half."""

    def number(e: Evidence) -> Estimate:
        part = own_part({space: e.gaps[space][method] for space in ("location", "style")}, own)
        return Estimate(part.value - 0.5, part.draws - 0.5)

    return number


def kept(method: str) -> Number:
    """How far above its margin a method's subject accuracy is."""
    return lambda e: Estimate(e.accuracy[method].value - e.margin, e.accuracy[method].draws - e.margin)


@dataclass(frozen=True)
class Claim:
    """A claim of the thesis holds where `number` is above 0; `measure` says in words what it is."""

    text: str
    measure: str
    number: Number


CLOSED, NEXT = "gap closed in the {} space", "gap closed in the {} space, less the next embedding's"
PART = "part of its effect in {}, less a half"
CLAIMS = (
    Claim("Repelling particles makes samples more diverse (style classifier)",
          CLOSED.format("general"), closed("style_classifier", "general")),
    Claim("An embedding does more than the latent itself (style classifier)",
          "gap closed in the general space, less the latent's", less("style_classifier", "latent", "general")),
    Claim("Pushing apart does more than a neighbour's push (style classifier)",
          "gap closed in the general space, less that of the shuffled pushes",
          less("style_classifier", "style_classifier_shuffled", "general")),
    Claim("The style classifier leads the thesis's embeddings in general",
          NEXT.format("general"), ahead("style_classifier", "general")),
    Claim("Rule of thirds leads them in location", NEXT.format("location"), ahead("rule_of_thirds", "location")),
    Claim("Rule of thirds leads them in style", NEXT.format("style"), ahead("rule_of_thirds", "style")),
    Claim("Rule of thirds acts on location first", PART.format("location"), mostly("rule_of_thirds", "location")),
    Claim("The style classifier acts on style first", PART.format("style"), mostly("style_classifier", "style")),
    Claim("Langevin correction moves away", "minus the gap closed in general", away("langevin", "general")),
    Claim("A random CNN moves away", "minus the gap closed in general", away("random_cnn", "general")),
    Claim("Ancestral sampling moves away", "minus the gap closed in general", away("ancestral", "general")),
    Claim("Repulsion keeps the subject (style classifier)",
          "subject accuracy less plain's, above its margin", kept("style_classifier")),
)  # fmt: skip


def verdict(number: Estimate) -> str:
    low, high = number.interval
    if np.isnan(low):
        return "no interval"
    return "holds" if low > 0 else "does not hold" if high < 0 else "undecided"


def table(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """A row for each claim whose methods were sampled and whose number the encoder gives."""
    here, thesis, rows = evidence(results, study), published(study.analysis.baseline), {}
    for claim in CLAIMS:
        try:
            number = claim.number(here)
        except KeyError:  # a method that this profile does not have, or a reading
            continue
        try:
            stated = claim.number(thesis).value
        except KeyError:
            stated = float("nan")
        rows[claim.text] = {"number": claim.measure, "thesis": stated, "here": number, "verdict": verdict(number)}
    return pd.DataFrame(rows).T.rename_axis(index="claim")
