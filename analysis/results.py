"""Results: one JSON for each image set, read back as one table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from analysis.settings import Study
from pipeline.params import BadInput, new_file


@dataclass(frozen=True)
class Row:
    """One metric of n images of a prompt; `left_out` is its value without each particle set (empty where there is one).
    `space` and `against` (another set) are empty where the metric has none. Without a value there is a `reason`."""

    prompt_id: str
    metric: str
    space: str
    against: str
    n: int
    value: float | None
    left_out: list[float]
    reason: str


def write_results(study: Study, name: str, rows: list[Row], run: dict[str, int]) -> None:
    """The rows of one set, one to a line, and how many latents the denoiser saw for how many images."""
    lines = []
    for row in rows:
        value = None if row.value is None else significant(row.value)
        rounded = {"value": value, "left_out": [significant(v) for v in row.left_out]}
        lines.append(json.dumps(asdict(row) | rounded, allow_nan=False))
    head = json.dumps({"set": name, **run})[:-1]
    with new_file(study.distances_file(name)) as part:
        part.write_text(head + ', "rows": [\n' + ",\n".join(lines) + "\n]}\n")


def significant(value: float) -> float:
    """Eight significant digits: what a distance carries, and what git can compare."""
    return float(f"{value:.8g}")


def read_set(study: Study, name: str) -> dict[str, Any]:
    path = study.distances_file(name)
    if not path.is_file():
        raise BadInput(f"{path}: no results of set {name}; expected one file for each of {', '.join(study.sets)}")
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}: not JSON: {error}; delete it and run dvc repro again") from None
    if found.get("set") != name or not found.get("rows"):
        raise BadInput(f"{path}: expected the results of set {name}, got those of {found.get('set')}")
    return found


def read_results(study: Study, sets: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Every row of every set (of `sets`, where they are given), with the set's name before it. Raises BadInput for a
    missing set, one that the profile does not have, or prompts that differ between sets: no table is made of half of
    the results."""
    folder = study.distances_file("any").parent
    if stray := [p.stem for p in sorted(folder.glob("*.json")) if p.stem not in study.sets]:
        raise BadInput(f"{folder}: results of {stray[0]}, which is none of the profile's sets; delete them")
    sets = sets or study.sets
    tables = [pd.DataFrame(read_set(study, name)["rows"]).assign(set=name) for name in sets]
    for name, table in zip(sets, tables, strict=True):
        if set(table["prompt_id"]) != set(tables[0]["prompt_id"]):
            raise BadInput(f"{folder}: the prompts of {name} and {sets[0]} differ")
    return pd.concat(tables, ignore_index=True)


def select(results: pd.DataFrame, metric: str, space: str = "", against: str = "") -> pd.DataFrame:
    """The rows of one metric, in the order of sets and prompts in which they were made."""
    rows = results[(results["metric"] == metric) & (results["space"] == space) & (results["against"] == against)]
    if rows.empty:
        raise BadInput(f"no results of {metric} {space} {against}".rstrip())
    return rows


def by_prompt(results: pd.DataFrame, metric: str, space: str = "", against: str = "") -> pd.DataFrame:
    """One metric's values: a row for each set, a column for each prompt."""
    rows = select(results, metric, space, against)
    table = rows.pivot(index="set", columns="prompt_id", values="value")
    return table.reindex(index=rows["set"].unique(), columns=rows["prompt_id"].unique())


PASSES = {"denoiser_passes": "denoiser passes", "denoiser_backward_passes": "backward passes"}


def passes_per_image(study: Study, sets: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Latents that went through the denoiser for one image of each set, forwards, and gradients that came back."""
    found = {name: read_set(study, name) for name in sets or study.sets}
    rows = {name: {title: one[key] / one["images"] for key, title in PASSES.items()} for name, one in found.items()}
    return pd.DataFrame(rows).T
