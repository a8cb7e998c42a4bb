"""STAGE carry_over: the same methods on several models and worlds: the share of the gap that each closes, whether their
order carries over, what becomes of every claim, of chosen strengths and of the metrics' validation.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pandas as pd

from analysis.estimates.across.order import agreement, order_kept
from analysis.estimates.across.sensitivity import side_by_side
from analysis.estimates.across.strengths import transferred
from analysis.estimates.claims import suite, thesis
from analysis.estimates.claims.claim import evidence, number_of, verdict
from analysis.estimates.estimates import Estimate, gap_estimates
from analysis.figures.across import models_compared, verdicts
from analysis.figures.style import save
from analysis.paper.printing import write
from analysis.study.carry_over import RESULTS, CarryOver, common_methods, read_carry_over
from analysis.study.inputs import table_at
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from pipeline.profile.profile import read_profile
from repulsion.core.errors import one_line_errors

MAKER = "make sweep"
Shares = dict[str, dict[str, Estimate]]  # by model and method
Studies, Results = dict[str, Study], dict[str, pd.DataFrame]  # by model


def shares_in(space: str, studies: Studies, results: Results, metric: str) -> Shares:
    methods = common_methods(studies)
    found = {model: gap_estimates(results[model], study, metric, space) for model, study in studies.items()}
    return {model: {name: by[name] for name in methods} for model, by in found.items()}


def order_table(by_space: dict[str, Shares], studies: Studies) -> pd.DataFrame:
    rows = {}
    for space, found in by_space.items():
        for one, other in combinations(found, 2):
            pairs, same = agreement(found[one], found[other])
            paired = studies[one].world == studies[other].world
            rows[f"{space}: {one}, {other}"] = {
                "rank correlation": order_kept(found[one], found[other], paired),
                "pairs told apart in both": pairs,
                "in the same order": same,
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="space")


def claims_table(studies: Studies, results: Results) -> pd.DataFrame:
    """The suite's claims and the thesis's: number and verdict in each profile, "not measured" where one does not have
    what a claim needs."""
    rows = {}
    by_model = {model: evidence(results[model], study) for model, study in studies.items()}
    for claim in (*suite.CLAIMS, *thesis.CLAIMS):
        line: dict[str, object] = {"number": claim.measure}
        for model, of_model in by_model.items():
            number = number_of(claim, of_model)
            line[model] = float("nan") if number is None else number
            line[f"{model}: verdict"] = "not measured" if number is None else verdict(number)
        rows[claim.text] = line
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="claim")


def read_sweeps(studies: Studies) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """The rows of each profile's sweep, and the chosen ones."""
    rows, chosen = {}, {}
    for model, study in studies.items():
        rows[model] = table_at(study.sweep_rows, [["row"]], [], MAKER, ["gain"], dtype={"strength": str})
        chosen[model] = table_at(study.sweep_chosen, [["family"]], ["gain"], MAKER)
    return rows, chosen


def read_sensitivity(p: CarryOver) -> dict[str, pd.DataFrame]:
    numbers = ["rho", "rho_low", "rho_high", "smallest_step"]
    axes = [["metric", "space"], ["dial"]]
    return {world: table_at(Path(path), axes, [], "make validate", numbers) for world, path in p.sensitivity.items()}


def run(p: CarryOver, folder: Path) -> None:
    studies = {model: read_profile(Path(path), Study) for model, path in p.profiles.items()}
    common_methods(studies)  # before anything is read
    rows, chosen = read_sweeps(studies)
    sensitivity = side_by_side(read_sensitivity(p))
    results = {model: read_results(study) for model, study in studies.items()}
    by_space = {space: shares_in(space, studies, results, p.metric) for space in p.spaces}
    columns = {f"{space}, {model}": by for space, found in by_space.items() for model, by in found.items()}
    write(pd.DataFrame(columns).rename_axis(index="method"), folder / "shares")
    save(models_compared.draw(by_space), folder / "shares")
    write(order_table(by_space, studies), folder / "order")
    claims = claims_table(studies, results)
    write(claims, folder / "claims")
    save(verdicts.draw(claims, list(studies)), folder / "claims")
    for name, table in (("strengths", transferred(rows, chosen)), ("sensitivity", sensitivity)):
        write(table.set_index(table.columns[0]), folder / name)


if __name__ == "__main__":
    with one_line_errors():
        run(read_carry_over(*map(Path, arguments([], ["params.yaml"]))), RESULTS)
