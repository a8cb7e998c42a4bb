"""The thesis's claims, each as a number whose interval decides whether it holds here.

The same number is taken of the thesis's published distances, where they give it: it has no interval there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.estimates.claims.claim import (
    Claim,
    Evidence,
    away,
    closed,
    evidence,
    kept,
    leads,
    less,
    mostly,
    number_of,
    verdict,
)
from analysis.estimates.estimates import GAIN_SPACES, Estimate
from analysis.estimates.gap import published_gap_closed
from analysis.study.settings import Study

EMBEDDINGS = ("channel_average", "rule_of_thirds", "random_cnn", "style_classifier", "style_classifier_thirds")


def published(baseline: str) -> Evidence:
    table = published_gap_closed(baseline)
    gaps = {s: {m: Estimate(v, np.full(1, np.nan)) for m, v in table[s].dropna().items()} for s in GAIN_SPACES}
    return Evidence(gaps, {}, {})


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
          NEXT.format("general"), leads("style_classifier", "general", EMBEDDINGS)),
    Claim("Rule of thirds leads them in location",
          NEXT.format("location"), leads("rule_of_thirds", "location", EMBEDDINGS)),
    Claim("Rule of thirds leads them in style",
          NEXT.format("style"), leads("rule_of_thirds", "style", EMBEDDINGS)),
    Claim("Rule of thirds acts on location first", PART.format("location"), mostly("rule_of_thirds", "location")),
    Claim("The style classifier acts on style first", PART.format("style"), mostly("style_classifier", "style")),
    Claim("Langevin correction moves away", "minus the gap closed in general", away("langevin", "general")),
    Claim("A random CNN moves away", "minus the gap closed in general", away("random_cnn", "general")),
    Claim("Ancestral sampling moves away", "minus the gap closed in general", away("ancestral", "general")),
    Claim("Repulsion keeps the subject (style classifier)",
          "subject accuracy less plain's, above its margin", kept("style_classifier")),
)  # fmt: skip


def table(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """A row for each claim whose methods were sampled and whose number the encoder gives."""
    here, thesis, rows = evidence(results, study), published(study.analysis.baseline), {}
    for claim in CLAIMS:
        if (number := number_of(claim, here)) is None:
            continue
        stated = number_of(claim, thesis)
        rows[claim.text] = {
            "number": claim.measure,
            "thesis": float("nan") if stated is None else stated.value,
            "here": number,
            "verdict": verdict(number),
        }
    return pd.DataFrame(rows).T.rename_axis(index="claim")
