"""Quality beside diversity: how far each method's is from plain sampling's, and whether a margin holds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.estimates.estimates import Estimate, estimates
from analysis.metrics.metrics import AGAINST
from analysis.study.known_metrics import require_known_metrics
from analysis.study.rows import ONE_SPACE
from analysis.study.settings import Study


def margin_estimates(results: pd.DataFrame, study: Study) -> dict[str, dict[str, Estimate]]:
    """For each metric that has a margin, every set less the baseline, paired. A metric against another set is taken
    against the realism set in the general space; one that this study's encoder does not read is left out. Raises
    BadInput for a name that is no metric."""
    require_known_metrics(study)
    p, found = study.analysis, {}
    for name in p.margins:
        where = (*ONE_SPACE, p.realism) if name in AGAINST else ("", "")
        if (results["metric"] == name).any():
            values = estimates(results, name, *where)
            found[name] = {method: one - values[p.baseline] for method, one in values.items()}
    return found


def holds(found: dict[str, dict[str, Estimate]], method: str, margins: dict[str, float]) -> bool:
    """Whether a method is within every margin."""
    return all(within(by[method], margins[name]) for name, by in found.items())


def margin_used(differences: dict[str, Estimate], margins: dict[str, float]) -> Estimate:
    """The share of its margin that the quality which suffers most has used up, of differences to the baseline by
    metric: 0 is the baseline's, 1 is the margin; in every resample, the largest of that one. nan where no quality is
    known."""
    shares = [(one.value / margins[name], one.draws / margins[name]) for name, one in differences.items()]
    if not shares:
        return Estimate(float("nan"), np.array([float("nan")]))
    values, draws = zip(*shares, strict=True)
    return Estimate(max(values), np.max(draws, axis=0))


def within(difference: Estimate, margin: float) -> bool:
    """Non-inferiority: whether the whole interval of a difference lies on the better side of the margin, whose sign
    says which way is worse. False where there is no interval."""
    low, high = difference.interval
    return bool(low >= margin) if margin < 0 else bool(high <= margin)
