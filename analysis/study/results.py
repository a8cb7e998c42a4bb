"""Results: one JSON for each image set, read back as one table."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from analysis.study.rows import Key, keys_of, particle_set
from analysis.study.settings import Study
from pipeline.profile.prompts import read_prompts
from repulsion.core.errors import BadInput
from repulsion.core.files import new_file, read_text
from repulsion.core.settings import Count, settings, strict_json

AGAIN = "delete the file and run dvc repro again"
Passes = Annotated[int, Field(ge=0)]


@settings
class Row:
    """One metric of n images of a prompt; `left_out` is its value without each particle set (empty where there is one).
    `space` and `against` (another set) are empty where the metric has none. Without a value there is a `reason`."""

    prompt_id: str
    metric: str
    space: str
    against: str
    n: Count
    value: float | None
    left_out: tuple[float, ...]
    reason: str

    @property
    def key(self) -> Key:
        return Key(self.prompt_id, self.metric, self.space, self.against)


@settings
class SetResults:
    """The results of one image set, and how many latents went through the denoiser for how many images."""

    set: str
    images: Count
    denoiser_passes: Passes
    denoiser_backward_passes: Passes
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]


def write_results(study: Study, name: str, rows: list[Row], run: dict[str, int]) -> None:
    """The rows of one set, one to a line, and how many latents the denoiser saw for how many images."""
    lines = []
    for row in rows:
        value = None if row.value is None else significant(row.value)
        rounded = {"value": value, "left_out": [significant(v) for v in row.left_out]}
        lines.append(json.dumps(asdict(row) | rounded, allow_nan=False))
    head = json.dumps({"set": name, **run})[:-1]
    with new_file(study.distances_file(name)) as part:
        part.write_text(head + ', "rows": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


def significant(value: float) -> float:
    """Eight significant digits: what a distance carries, and what git can compare."""
    return float(f"{value:.8g}")


def read_set(study: Study, name: str) -> SetResults:
    """The results of one set. Raises BadInput, in one line, unless every row that the set has to have is there once,
    and no other, each whole."""
    path = study.distances_file(name)
    if not path.is_file():
        raise BadInput(f"{path}: no results of set {name}; expected one file for each of {', '.join(study.image_sets)}")
    found = strict_json(SetResults, read_text(path), str(path))
    if found.set != name:
        raise BadInput(f"{path}: expected the results of set {name}, got those of {found.set}")
    require_whole(study, name, found, str(path))
    return found


def require_whole(study: Study, name: str, found: SetResults, where: str) -> None:
    """Raise BadInput, in one line, unless results are all those that the set `name` of this study has to have, once
    and in order."""
    prompts = read_prompts(study.prompts_file)
    n, counts = study.images_per_prompt(name, study.artist_count), Counter(row.key for row in found.rows)
    if found.images != n * len(prompts):
        raise BadInput(f"{where}: results of {found.images} images, expected {n * len(prompts)}; {AGAIN}")
    expected = dict.fromkeys(keys_of(study, name, prompts), 1)
    for key in expected | counts:
        if (times := counts[key]) != (wanted := expected.get(key, 0)):
            raise BadInput(f"{where}: {said(key)} is listed {times} times, expected {wanted}; {AGAIN}")
    parts = len(np.unique(particle_set(study, name, np.arange(n))))
    for row in found.rows:
        left_out = 0 if row.value is None or parts == 1 else parts
        if row.n != n or len(row.left_out) != left_out or (row.value is None) != bool(row.reason):
            raise BadInput(
                f"{where}: {said(row.key)}: expected a value of {n} images and {left_out} without one particle set, or "
                f"a reason why there is none; got n {row.n}, {len(row.left_out)}, reason {row.reason!r}; {AGAIN}"
            )
    if [row.key for row in found.rows] != list(expected):
        raise BadInput(f"{where}: results are in another order than prompts and metrics; {AGAIN}")


def said(key: Key) -> str:
    """A result's key in words."""
    where = f" in {key.space}" if key.space else ""
    return f"{key.metric}{where}{f' against {key.against}' if key.against else ''} of prompt {key.prompt_id}"


def read_results(study: Study, sets: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Every row of every set (of `sets`, where they are given), with the set's name before it. Raises BadInput for a
    missing set, one that the profile does not have, or results that are not whole: no table is made of a part."""
    folder = study.distances_file("any").parent
    if stray := [p.stem for p in sorted(folder.glob("*.json")) if p.stem not in study.image_sets]:
        raise BadInput(f"{folder}: results of {stray[0]}, which is none of the profile's sets; delete them")
    sets = sets or study.image_sets
    tables = [pd.DataFrame(map(vars, read_set(study, name).rows)).assign(set=name) for name in sets]
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
    """Latents through the denoiser for one image of each set, in forward and in backward passes."""
    found = {name: read_set(study, name) for name in sets or study.image_sets}
    rows = {name: {title: getattr(r, key) / r.images for key, title in PASSES.items()} for name, r in found.items()}
    return pd.DataFrame(rows).T
