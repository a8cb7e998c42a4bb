"""From the distances in git once more: every table, every claim's verdict and the leaderboard, against those in git."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.artifact.check import read_expected
from analysis.artifact.verdict import Check, of_table, same
from analysis.leaderboard import board
from analysis.leaderboard.submissions import submissions
from analysis.paper.printing import cells_and_intervals, with_interval
from analysis.stages.across.carry_over import claims_table, order_table, shares_in
from analysis.stages.across.leaderboard import with_submissions
from analysis.stages.tables import TABLES
from analysis.study.carry_over import RESULTS as COMPARED
from analysis.study.carry_over import read_carry_over
from analysis.study.comparable import KEYS
from analysis.study.leaderboard import RESULTS as BOARD
from analysis.study.leaderboard import read_leaderboard, studies_of
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile

FROM_IMAGES = ("efficiency",)  # counts artists in features, which git does not keep
ENDS = ("", " low", " high")


def reread(table: pd.DataFrame, digits: str = "%.8g", index: bool = True) -> pd.DataFrame:
    """A table as its CSV file gives it back; the name of its rows is the first column's."""
    return read(io.StringIO(table.to_csv(float_format=digits, index=index)))


def read(file: Path | io.StringIO) -> pd.DataFrame:
    table = pd.read_csv(file, keep_default_na=False, na_values=[""])
    return table.set_index(table.columns[0], drop=False)


def expected_results(study: Study) -> Check:
    """The results in git against expected.csv, which make check compares a run on another machine with."""
    found = read_results(study)
    table = read_expected(study.expected).merge(found[[*KEYS, "value"]], how="left", on=KEYS, suffixes=("", "_found"))
    apart = table[[not same(a, b) for a, b in zip(table["value"], table["value_found"], strict=True)]]
    line = "" if apart.empty else ", ".join(map(str, apart.iloc[0]))
    return Check(f"{study.expected}", apart.empty, line or f"{len(table)} results as expected")


def tables(study: Study) -> Iterator[Check]:
    results = read_results(study)
    for name, make in TABLES.items():
        if name not in FROM_IMAGES:
            path = study.tables / f"{name}.csv"
            made = cells_and_intervals(make(results, study))
            yield of_table(str(path), reread(made.rename_axis(index=made.index.name or "set")), read(path))


def claims() -> Iterator[Check]:
    """A verdict per claim and model: the number with its interval, made again of the distances in git."""
    p = read_carry_over()
    studies = {model: read_profile(Path(path), Study) for model, path in p.profiles.items()}
    results = {model: read_results(study) for model, study in studies.items()}
    found = reread(cells_and_intervals(claims_table(studies, results)))
    expected = read(COMPARED / "claims.csv")
    if list(found.index) != list(expected.index):
        yield Check(f"{COMPARED}/claims.csv", False, "its claims are not those that the code makes")
        return
    for claim, line in expected.iterrows():
        for model in studies:
            yield of_claim(str(claim), model, found.loc[claim], line)
    by_space = {space: shares_in(space, studies, results, p.metric) for space in p.spaces}
    order = reread(cells_and_intervals(order_table(by_space, studies)))
    yield of_table(f"{COMPARED}/order.csv", order, read(COMPARED / "order.csv"))


def of_claim(claim: str, model: str, found: pd.Series, expected: pd.Series) -> Check:
    columns = [model + end for end in ENDS]
    holds = all(same(found[c], expected[c]) for c in (*columns, f"{model}: verdict"))
    said = f"{with_interval(*found[columns])}, {found[f'{model}: verdict']}"
    if not holds:
        numbers = ", ".join(f"{value:.8g}" for value in expected[columns])
        said += f"; expected {numbers}, {expected[f'{model}: verdict']}"
    return Check(f"claim, {model}: {claim}", holds, said)


def leaderboard() -> Check:
    p, lines, found = read_leaderboard(), [], submissions()
    for model, studies in {model: studies_of(paths) for model, paths in p.models.items()}.items():
        lines += board.rows(with_submissions(board.pooled(studies), studies, found), model, p.unranked)
    made = reread(pd.DataFrame(lines), "%.6g", index=False)
    return of_table(f"{BOARD}/leaderboard.csv", made, read(BOARD / "leaderboard.csv"))


def all_of() -> Iterator[Check]:
    for path in dict.fromkeys(one for paths in read_leaderboard().models.values() for one in paths):
        study = read_profile(Path(path), Study)
        if path in read_carry_over().profiles.values():
            yield expected_results(study)
        yield from tables(study)
    yield from claims()
    yield leaderboard()
