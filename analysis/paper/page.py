"""The web page: one self-contained HTML file with the finding, pictures, a scatter, numbers, tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from analysis.estimates.estimates import of_prompt
from analysis.paper.definitions import DEFINITIONS, SPACES
from analysis.paper.labels import SPACE_LABELS, label
from analysis.paper.printing import printed
from analysis.paper.web import drawings, sections
from analysis.paper.web.board import board_table
from analysis.paper.web.drawings import Drawing
from analysis.paper.web.finding import finding
from analysis.paper.web.methods import Measured, measured, methods_table, opening
from analysis.paper.web.scatter import scatter
from analysis.paper.web.sheets import figure, fitting, images_of, size_of
from analysis.paper.web.tables import Table, read_cells, table
from analysis.paper.web.template import rendered
from analysis.study.carry_over import RESULTS as ACROSS
from analysis.study.carry_over import carried_over, read_carry_over
from analysis.study.inputs import json_at, table_at
from analysis.study.leaderboard import RESULTS as BOARD
from analysis.study.leaderboard import on_board, read_leaderboard
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.prompts import read_prompts
from repulsion.core.errors import BadInput

SCRIPTS = ("tables.js", "numbers.js", "address.js", "compare.js")
METRIC_OF = {"gap_closed": "frechet", "gap_closed_mmd": "mmd"}  # whose marks a table's columns carry


def numbers(results: pd.DataFrame, study: Study) -> dict[str, Any]:
    """The numbers below the sheets: what is measured, and the printed numbers by prompt, set and measure. Readings, and
    distances to the reference by space."""
    wanted = {
        ("mmd", space, study.analysis.reference): {"title": f"distance, {title}", "key": "mmd", "space": space}
        for space, title in SPACE_LABELS.items()
    }
    measures: dict[str, dict[str, str]] = {}
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in results.itertuples():
        of = wanted.get((row.metric, row.space, row.against))
        if of is None and row.space:
            continue
        of = of or {"title": label(row.metric), "key": row.metric, "space": ""}
        measures[of["title"]] = of
        entry = found.setdefault(row.prompt_id, {name: {} for name in study.image_sets})[row.set]
        entry[of["title"]] = printed(of_prompt(row))
    return {"measures": list(measures.values()), "numbers": found}


def marks_of(study: Study, name: str) -> list[str]:
    """The columns of a table whose metric ranks sets wrongly at this number of images."""
    marks = json_at(study.tables / "marks.json", "dvc repro")
    return [space for space in SPACE_LABELS if label(space) in map(label, marks.get(METRIC_OF.get(name, ""), ()))]


def own_table(study: Study, name: str, about: sections.About, prompt_ids: list[str]) -> Table:
    head, cells = read_cells(study.tables, name, "dvc repro")
    by_prompt = about.section == sections.PROMPTS
    of = (lambda column: column if column in (*prompt_ids, "mean") else "") if by_prompt else (lambda column: "")
    return table(
        name,
        about.title,
        about.caption,
        head,
        cells,
        about.metric,
        of=of,
        of_title="prompt",
        by=about.by,
        sets=study.image_sets,
        marked=marks_of(study, name),
        note=about.note,
    )


def across_table(name: str, about: sections.About) -> Table:
    """A table of several models: a filter hides the columns of all but one."""
    head, cells = read_cells(ACROSS, name, "make carry-over")
    models = list(read_carry_over().profiles)

    def of(column: str) -> str:
        parts = column.replace(": ", ", ").split(", ")
        return next((model for model in models if model in (column, *parts)), "")

    return table(name, about.title, about.caption, head, cells, about.metric, of, "model", about.by, note=about.note)


def tables_of(study: Study, prompt_ids: list[str]) -> dict[str, list[Table]]:
    """The tables by section; those that have no numbers for this profile are left out."""
    found: dict[str, list[Table]] = {section: [] for section in sections.SECTIONS}
    for name, about in sections.TABLES.items():
        found[about.section].append(own_table(study, name, about, prompt_ids))
    if carried_over(study):
        for name, about in sections.CARRIED_OVER.items():
            found[about.section].append(across_table(name, about))
    return {section: [one for one in tables if one.rows and len(one.columns) > 1] for section, tables in found.items()}


def picture(path: Path, maker: str, photos: bool = False) -> str:
    if not path.is_file():
        raise BadInput(f"no {path}; {maker} makes it")
    return figure(path.read_bytes(), photos)


def figures_of(study: Study) -> dict[str, list[tuple[str, Drawing, str]]]:
    """The figures by section: name, what is said of it, and its address."""
    groups = [(drawings.FIGURES, study.figures, "dvc repro", True)]
    groups += [(drawings.CARRIED_OVER, ACROSS, "make carry-over", carried_over(study))]
    groups += [(drawings.ON_BOARD, BOARD, "make leaderboard", on_board(study))]
    found: dict[str, list[tuple[str, Drawing, str]]] = {section: [] for section in sections.SECTIONS}
    for drawn, folder, maker, has in groups:
        for name, about in drawn.items():
            if has and about.where(study):
                one = (name, about, picture(folder / f"{name}.png", maker, about.photos))
                found[about.section].append(one)
    return found


def board_of(study: Study) -> pd.DataFrame | None:
    """The leaderboard's rows, where this profile's methods are on it."""
    if not on_board(study):
        return None
    board = table_at(BOARD / "leaderboard.csv", [["model", "method"]], [], "make leaderboard", na_values=[""])
    return board.fillna({"knows labels": ""})


def model_on_board(study: Study) -> str:
    """What the leaderboard calls the profile's model; empty where it is not there."""
    here = f"{study.here}params.yaml"
    return next((model for model, paths in read_leaderboard().models.items() if here in paths), "")


def told(board: pd.DataFrame | None, model: str, name: str) -> str:
    """The labels that a method's network was told, by the leaderboard; nothing where it is not on it."""
    if board is None:
        return ""
    rows = board[(board["model"] == model) & (board["method"] == name)]
    return "" if rows.empty else str(rows["knows labels"].iloc[0])


def drawings_of(found: list[Measured], baseline: str) -> list[Any]:
    """The scatter for a wide and for a narrow window; none where no method has a place in it."""
    if not any(one.is_measured for one in found):
        return []
    return [scatter(found, baseline, *size) for size in (("wide", 880, 460), ("narrow", 358, 400))]


def render(study: Study) -> str:
    prompts = read_prompts(study.prompts_file)
    prompt_ids = [p.prompt_id for p in prompts]
    results = read_results(study)
    found, board, model = measured(results, study), board_of(study), model_on_board(study)
    first = opening(found, study)
    images = images_of(study, prompt_ids)
    sheets, shown = fitting(images)
    compared = numbers(results, study)
    methods, tables = methods_table(found, study), tables_of(study, prompt_ids)
    boards = [] if board is None else [board_table(board, model, study.image_sets)]
    everything = [methods, *boards, *(one for of in tables.values() for one in of)]
    keys = dict.fromkeys(m["key"] for m in compared["measures"])
    for one in everything:
        keys |= one.described
    return rendered(
        "page/page.html",
        SCRIPTS,
        profile=study,
        prompts=prompts,
        label=label,
        finding=finding(found, study, told(board, model, first)),
        first=first,
        sheets=sheets,
        shown=shown,
        sizes={p: {name: size_of(tiles, shown) for name, tiles in of.items()} for p, of in images.items()},
        scatters=drawings_of(found, study.analysis.baseline),
        methods=methods,
        boards=boards,
        sections=sections.SECTIONS,
        tables=tables,
        figures=figures_of(study),
        definitions={key: DEFINITIONS[key] for key in keys},
        spaces=SPACES,
        compared=compared,
        data=compared | {"paired": study.methods},
    )
