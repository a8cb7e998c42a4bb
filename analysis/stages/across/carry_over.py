"""STAGE carry_over: the same methods on several models: the share of the gap that each closes, and whether the order of
the methods carries over from one model to another.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import rankdata

from analysis.estimates.estimates import Estimate, gap_estimates
from analysis.figures.results import models_compared
from analysis.figures.style import save
from analysis.paper.printing import write
from analysis.study.carry_over import RESULTS, CarryOver, read_carry_over
from analysis.study.comparable import require_alike
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput, one_line_errors

Shares = dict[str, dict[str, Estimate]]  # by model and method


def rank_correlation(
    a: Float[np.ndarray, "resamples methods"], b: Float[np.ndarray, "resamples methods"]
) -> Float[np.ndarray, " resamples"]:
    """Spearman's: Pearson's correlation of the ranks, row by row; ties share the mean of their ranks."""
    ranks = [rankdata(values, axis=1) for values in (a, b)]
    x, y = (r - r.mean(1, keepdims=True) for r in ranks)
    return (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))


def order_kept(a: dict[str, Estimate], b: dict[str, Estimate]) -> Estimate:
    """The rank correlation of the methods of two models. A resample draws the same particle sets of both, which start
    from the same noise: the interval is over particle sets, for these methods. Ranks of a resample are noisier than
    those that were measured, so that it need not be centred on the value."""
    values = [np.array([[one.value for one in found.values()]]) for found in (a, b)]
    draws = [np.stack([one.draws for one in found.values()], axis=1) for found in (a, b)]
    return Estimate(float(rank_correlation(*values)[0]), rank_correlation(*draws))


def ahead(one: Estimate, other: Estimate) -> int:
    """1 where `one` is larger with the whole interval of their difference, -1 where it is smaller, else 0."""
    low, high = (one - other).interval
    return int(low > 0) - int(high < 0)


def agreement(a: dict[str, Estimate], b: dict[str, Estimate]) -> tuple[int, int]:
    """How many pairs of methods each of the two models tells apart, and how many of these pairs have the same order."""
    told = [(ahead(a[m], a[n]), ahead(b[m], b[n])) for m, n in combinations(a, 2)]
    both = [x == y for x, y in told if x and y]
    return len(both), sum(both)


def common_methods(studies: dict[str, Study]) -> list[str]:
    """The methods that every profile has, but for plain sampling. Raises BadInput where profiles are not comparable."""
    require_alike(studies.values())
    first, *others = studies.values()
    kept = [m for m in first.methods if m != first.analysis.baseline and all(m in s.methods for s in others)]
    if len(kept) < 3:
        raise BadInput(f"expected at least three methods that all profiles have, got {', '.join(kept) or 'none'}")
    return kept


def shares_in(space: str, studies: dict[str, Study], results: dict[str, pd.DataFrame], p: CarryOver) -> Shares:
    methods = common_methods(studies)
    found = {model: gap_estimates(results[model], study, p.metric, space) for model, study in studies.items()}
    return {model: {name: by[name] for name in methods} for model, by in found.items()}


def run(p: CarryOver, folder: Path) -> None:
    studies = {model: read_profile(Path(path), Study) for model, path in p.profiles.items()}
    common_methods(studies)  # before anything is read
    results = {model: read_results(study) for model, study in studies.items()}
    by_space = {space: shares_in(space, studies, results, p) for space in p.spaces}
    columns = {f"{space}, {model}": by for space, found in by_space.items() for model, by in found.items()}
    write(pd.DataFrame(columns).rename_axis(index="method"), folder / "shares")
    save(models_compared.draw(by_space), folder / "shares")
    rows = {}
    for space, found in by_space.items():
        for one, other in pairwise(found):
            pairs, same = agreement(found[one], found[other])
            rows[f"{space}: {one}, {other}"] = {
                "rank correlation": order_kept(found[one], found[other]),
                "pairs told apart in both": pairs,
                "in the same order": same,
            }
    write(pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="space"), folder / "order")


if __name__ == "__main__":
    with one_line_errors():
        run(read_carry_over(*map(Path, arguments([], ["params.yaml"]))), RESULTS)
