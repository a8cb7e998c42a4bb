"""Control: how much of a method's effect falls in the space that it is named for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.estimates.estimates import Estimate, gap_estimates
from analysis.study.settings import Study
from repulsion.core.files import read_yaml

# Embeddings of latents by what they are to spread: the subject's place, or the look of the picture.
NAMED_FOR = {
    "rule_of_thirds": "location",
    "centre_of_mass": "location",
    "style_classifier_thirds": "location",
    "channel_average": "style",
    "style_classifier": "style",
}


def spaces(study: Study) -> dict[str, str]:
    """What each method that repels in one space is named for."""
    rows = read_yaml(Path(study.methods_file))
    cells = {m: rows[m].get("repel") or [] for m in study.methods}
    return {m: NAMED_FOR[c[0]["space"]] for m, c in cells.items() if len(c) == 1 and c[0]["space"] in NAMED_FOR}


def table(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """For each such method: shares of the gap closed in location and in style (MMD), and its own space's part in their
    sum (a share that is negative counts as none)."""
    gaps = {space: gap_estimates(results, study, "mmd", space) for space in ("location", "style")}
    rows = {}
    for method, own in spaces(study).items():
        parts = {space: gaps[space][method] for space in gaps}
        rows[method] = {"named for": own, **parts, "own part": own_part(parts, own)}
    return pd.DataFrame(rows).T if rows else pd.DataFrame()


def own_part(parts: dict[str, Estimate], own: str) -> Estimate:
    def share(of: dict[str, float | np.ndarray]) -> float | np.ndarray:
        kept = {space: np.maximum(value, 0) for space, value in of.items()}
        total = sum(kept.values())
        return kept[own] / np.where(total > 0, total, np.nan)

    value = share({space: one.value for space, one in parts.items()})
    return Estimate(float(value), share({space: one.draws for space, one in parts.items()}))
