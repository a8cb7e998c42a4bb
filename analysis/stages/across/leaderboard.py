"""STAGE leaderboard: every method of all profiles, and submissions, on one table; what diversity costs in quality and
in passes; and how each method's gain grows with the number of particles."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.figures.across import growth, pareto
from analysis.figures.style import save
from analysis.leaderboard import board, html
from analysis.leaderboard.schema import board_schema
from analysis.leaderboard.submissions import Submission, require_repeats, schema, submissions, table
from analysis.study.leaderboard import RESULTS, Leaderboard, read_leaderboard, studies_of
from analysis.study.results import PASSES, require_whole
from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.core.files import new_file


def with_submissions(pool: board.Pool, studies: list[Study], found: list[Submission]) -> board.Pool:
    """The pool with those submissions that were measured in one of these profiles. Raises BadInput for a name that is
    taken, results that are not whole, and plain sampling that is not the board's within the tolerances: the row that
    differs."""
    own = {study.profile: study for study in studies}
    results, entries, p = [pool.results], dict(pool.entries), pool.study.analysis
    plain = pool.results[pool.results["set"] == p.baseline]
    for one in found:
        if one.profile not in own:
            continue
        where, study = f"submission {one.method}", own[one.profile]
        if one.method in (*entries, *study.references):
            raise BadInput(f"{where}: that name is taken; expected another")
        like = next(name for name in study.methods if name != p.baseline)
        require_whole(study, like, one.results, where)
        require_whole(study, p.baseline, one.plain, f"{where}: {p.baseline}")
        of_plain = table(p.baseline, one.plain.rows)
        require_repeats(where, of_plain, plain, pool.study)
        results.append(table(one.method, one.results.rows))
        passes = {title: getattr(one.results, key) / one.results.images for key, title in PASSES.items()}
        needed = (float("nan") if value is None else value for value in one.needed)
        measured = dict(zip((board.NEEDED + end for end in board.ENDS), needed, strict=True))
        source = "submission, repeated" if one.repeated else "submission"
        entries[one.method] = board.Entry(one.row, source, passes, measured, one.needs, of_plain)
    return replace(pool, results=pd.concat(results, ignore_index=True), entries=entries)


def growth_table(p: Leaderboard) -> pd.DataFrame:
    """Each method at each number of particles, from what stage growth wrote of the profiles."""
    parts = [pd.read_csv(study.results / "growth.csv") for study in studies_of(p.sets_of)]
    return pd.concat(parts, ignore_index=True)


def run(p: Leaderboard, folder: Path) -> None:
    found, lines, margins = submissions(), [], {}
    by_model = {model: studies_of(paths) for model, paths in p.models.items()}
    measured_in = [study.profile for studies in by_model.values() for study in studies]
    if lost := [one for one in found if one.profile not in measured_in]:
        raise BadInput(
            f"submission {lost[0].method}: profile: expected one of {', '.join(measured_in)}, got {lost[0].profile!r}"
        )
    for model, studies in by_model.items():
        pool = with_submissions(board.pooled(studies), studies, found)
        lines += board.rows(pool, model, p.unranked)
        margins[model] = pool.study.analysis.margins
    whole, growing = pd.DataFrame(lines), growth_table(p)
    records = json.loads(whole.to_json(orient="records", double_precision=8))
    texts = {
        "leaderboard.csv": whole.to_csv(index=False, lineterminator="\n", float_format="%.6g"),
        "leaderboard.json": json.dumps({"version": 1, "margins": margins, "rows": records}, indent=1) + "\n",
        "leaderboard.shown.csv": board.shown(whole).to_csv(index=False, lineterminator="\n"),
        "leaderboard.schema.json": board_schema(whole),
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
