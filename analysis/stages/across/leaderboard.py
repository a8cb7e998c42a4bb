"""STAGE leaderboard: every method of all profiles, and submissions, on one table; what diversity costs in quality and
in passes; and how each method's gain grows with the number of particles."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.figures.results import growth, pareto
from analysis.figures.style import save
from analysis.leaderboard import board, html
from analysis.leaderboard.submissions import Submission, require_repeats, schema, submissions, table
from analysis.study.leaderboard import RESULTS, Leaderboard, read_leaderboard, studies_of
from analysis.study.results import PASSES
from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.core.files import new_file


def with_submissions(pool: board.Pool, studies: list[Study], found: list[Submission]) -> board.Pool:
    """The pool with those submissions that were measured in one of these profiles. Raises BadInput for a name that is
    taken, and for one whose plain sampling is not the board's within the tolerances: the row that differs."""
    own = {study.profile: study for study in studies}
    results, entries, p = [pool.results], dict(pool.entries), pool.study.analysis
    for one in found:
        if one.profile not in own:
            continue
        if one.method in entries:
            raise BadInput(f"submission {one.method}: that name is taken; expected another")
        plain = pool.results[pool.results["set"] == p.baseline]
        require_repeats(f"submission {one.method}", table(p.baseline, one.plain.rows), plain, pool.study)
        results.append(table(one.method, one.results.rows))
        passes = {title: getattr(one.results, key) / one.results.images for key, title in PASSES.items()}
        needed = dict(zip((board.NEEDED, f"{board.NEEDED} low", f"{board.NEEDED} high"), one.needed, strict=True))
        measured = {name: float("nan") if value is None else value for name, value in needed.items()}
        source = "submission, repeated" if one.repeated else "submission"
        weights = tuple(board.weights_of(one.row, own[one.profile]))
        entries[one.method] = board.Entry(one.row, source, passes, measured, weights)
    return replace(pool, results=pd.concat(results, ignore_index=True), entries=entries)


def growth_table(p: Leaderboard) -> pd.DataFrame:
    """Each method at each number of particles, from what stage growth wrote of the profiles."""
    parts = [pd.read_csv(study.results / "growth.csv") for study in studies_of(p.sets_of)]
    return pd.concat(parts, ignore_index=True)


def run(p: Leaderboard, folder: Path) -> None:
    found, lines = submissions(), []
    for model, paths in p.models.items():
        studies = studies_of(paths)
        pool = with_submissions(board.pooled(studies), studies, found)
        lines += board.rows(pool, p, model)
    whole, growing = pd.DataFrame(lines), growth_table(p)
    margins = pool.study.analysis.margins
    records = json.loads(whole.to_json(orient="records", double_precision=8))
    texts = {
        "leaderboard.csv": whole.to_csv(index=False, lineterminator="\n", float_format="%.6g"),
        "leaderboard.json": json.dumps({"version": 1, "margins": margins, "rows": records}, indent=1) + "\n",
        "leaderboard.shown.csv": board.shown(whole).to_csv(index=False, lineterminator="\n"),
        "leaderboard.html": html.render(whole),
        "submission.schema.json": schema(),
        "growth.csv": growing.to_csv(index=False, lineterminator="\n", float_format="%.6g"),
    }
    for name, text in texts.items():
        with new_file(folder / name) as part:
            part.write_text(text, encoding="utf-8")
    save(pareto.draw(whole, p.front), folder / "pareto")
    save(growth.draw(growing), folder / "growth")


if __name__ == "__main__":
    with one_line_errors():
        run(read_leaderboard(*map(Path, arguments([], ["params.yaml"]))), RESULTS)
