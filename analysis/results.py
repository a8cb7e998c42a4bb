"""Results: one JSON for each image set, read back as one table."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from pipeline.params import BadInput, new_file
from pipeline.profile import Profile

# One row for each prompt and measured value: `space` and `against` are empty where a metric has none.
COLUMNS = ("prompt_id", "metric", "space", "against", "n", "value")


def write_results(profile: Profile, name: str, rows: list[tuple], passes: int) -> None:
    """The rows of one set, and how many latents the denoiser saw for all of its images."""
    found = {
        "set": name,
        "denoiser_passes": passes,
        "rows": [dict(zip(COLUMNS, (*row[:-1], significant(row[-1])), strict=True)) for row in rows],
    }
    with new_file(profile.distances_file(name)) as part:
        part.write_text(json.dumps(found, indent=1) + "\n")


def significant(value: float) -> float:
    """Eight significant digits: what a distance carries, and what git can compare."""
    return float(f"{value:.8g}")


def read_set(profile: Profile, name: str) -> dict[str, Any]:
    path = profile.distances_file(name)
    if not path.is_file():
        raise BadInput(f"{path}: no results of set {name}; expected one file for each of {', '.join(profile.sets)}")
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}: not JSON: {error}; delete it and run dvc repro again") from None
    if found.get("set") != name or not found.get("rows"):
        raise BadInput(f"{path}: expected the results of set {name}, got those of {found.get('set')}")
    return found


def read_results(profile: Profile) -> pd.DataFrame:
    """Every row of every set, with the set's name before it. Raises BadInput for a missing set, one that the profile
    does not have, or prompts that differ between sets: no table is made of half of the results."""
    folder = profile.distances_file("any").parent
    if stray := [p.stem for p in sorted(folder.glob("*.json")) if p.stem not in profile.sets]:
        raise BadInput(f"{folder}: results of {stray[0]}, which is none of the profile's sets; delete them")
    tables = [pd.DataFrame(read_set(profile, name)["rows"]).assign(set=name) for name in profile.sets]
    for name, table in zip(profile.sets, tables, strict=True):
        if set(table["prompt_id"]) != set(tables[0]["prompt_id"]):
            raise BadInput(f"{folder}: the prompts of {name} and {profile.sets[0]} differ")
    return pd.concat(tables, ignore_index=True)[["set", *COLUMNS]]


def passes_per_image(profile: Profile) -> pd.Series:
    """Latents that went through the denoiser for one image of each set."""
    found = {}
    for name in profile.sets:
        one = read_set(profile, name)
        images = pd.DataFrame(one["rows"]).groupby("prompt_id")["n"].first().sum()
        found[name] = one["denoiser_passes"] / images
    return pd.Series(found, name="denoiser_passes")


def select(results: pd.DataFrame, metric: str, space: str = "", against: str = "") -> pd.DataFrame:
    """One metric's values: a row for each set, a column for each prompt, in the order in which they were made."""
    rows = results[(results["metric"] == metric) & (results["space"] == space) & (results["against"] == against)]
    if rows.empty:
        raise BadInput(f"no results of {metric} {space} {against}".rstrip())
    table = rows.pivot(index="set", columns="prompt_id", values="value")
    order = results["set"].unique()
    return table.reindex(index=[s for s in order if s in table.index], columns=rows["prompt_id"].unique())
