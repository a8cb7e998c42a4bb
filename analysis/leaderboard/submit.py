"""`make submit METHOD=path.py` (or the name of an entry point of group repulsion.methods): a method of yours, measured.

The Python file has METHODS, a mapping of names to rows: one row, or several NAME-STRENGTH, of which the development
prompts choose one. It is sampled on the test prompts beside plain sampling, and the results are written to
submissions/NAME.json, which make leaderboard merges. Where that file exists, the numbers are made again and compared
with it: beyond the tolerances it is refused, with the row that differs.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from analysis.estimates import efficiency
from analysis.leaderboard.privileges import shared_labels, shares_weights, weights_of
from analysis.leaderboard.submissions import VERSION, Provenance, Submission, read_submission, require_repeats, table
from analysis.study.leaderboard import SUBMISSIONS
from analysis.study.results import read_set
from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from pipeline.profile.profile import read_profile
from pipeline.sets.failures import read_failures
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.core.files import new_file, read_yaml, require_id

GROUP = "repulsion.methods"
BASES = {"development": Path("profiles/peers_sweep/params.yaml"), "test": Path("profiles/peers/params.yaml")}
STAGES = (
    *("pipeline.stages.prompts", "analysis.stages.prompts", "pipeline.stages.reference", "pipeline.stages.sample"),
    *("pipeline.stages.features", "analysis.stages.distances"),
)
PACKAGES = ("torch", "diffusers", "numpy")


def source_of(method: str) -> Path:
    """The Python file of a METHOD: a path, or the name of an entry point. Raises BadInput for neither."""
    if method.endswith(".py"):
        if not Path(method).is_file():
            raise BadInput(f"METHOD: no such file: {method}")
        return Path(method).resolve()
    found = {one.name: one.module for one in entry_points(group=GROUP)}
    if method not in found:
        raise BadInput(
            f"METHOD: expected a path that ends in .py or one of {', '.join(found) or 'no'} entry points of "
            f"group {GROUP}, got {method!r}"
        )
    spec = find_spec(found[method])  # found, not run: a stranger's code runs in processes of its own
    if spec is None or not spec.has_location:
        raise BadInput(f"METHOD: entry point {method}: no file of module {found[method]}")
    return Path(spec.origin)


def run_module(*words: str) -> str:
    """Run a stage in a process of its own: what a stranger's code registers stays there. Returns what it printed."""
    done = subprocess.run([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BadInput(f"{words[0]} ended with {done.returncode}; what it said is above")
    return done.stdout


def rows_of(source: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The validated rows of the file, without plain sampling, and the networks that spaces need. Raises BadInput unless
    the rows are of one family."""
    found = json.loads(run_module("pipeline.machine.rows", str(source)))
    rows = {name: row for name, row in found["rows"].items() if name != "plain"}
    families = {name.partition("-")[0] for name in rows}
    if len(families) != 1:
        raise BadInput(f"{source}: METHODS: expected rows of one method, NAME or NAME-STRENGTH, got {', '.join(rows)}")
    return rows, found["needs"]


def profile_of(split: str, family: str, source: Path, rows: list[str]) -> Study:
    """The profile in which plain sampling and these rows are measured, in a folder that git does not keep. Raises
    BadInput for the name of one of the base's own sets."""
    name = f"submission_{family}" + ("" if split == "test" else f"_{split}")
    values = read_yaml(BASES[split])
    if family in values["image_sets"]:
        raise BadInput(f"{source}: the name {family!r} is taken; expected another")
    methods = ["plain", *rows]
    values |= {"profile": name, "root": "../..", "here": f"scratch/{name}/", "methods_file": str(source)}
    values |= {"methods": methods, "image_sets": [*methods, *values["references"]]}
    if split == "development":
        values["analysis"] |= {"sweep": name}
    path = Path("scratch") / name / "params.yaml"
    with new_file(path) as part, part.open("w", encoding="utf-8") as file:
        YAML().dump(values, file)
    return read_profile(path, Study)


def measured(study: Study, *more: str) -> None:
    """Everything of a profile from prompts to distances, anew: nothing of an earlier run is used."""
    params = Path(study.here) / "params.yaml"
    kept = params.read_bytes()
    for folder in (study.scratch, study.results):
        shutil.rmtree(folder, ignore_errors=True)
    with new_file(params) as part:
        part.write_bytes(kept)
    for stage in (*STAGES, *more):
        run_module(stage, str(params))
    if failed := read_failures(study):
        name, reason = next(iter(failed.items()))
        raise BadInput(f"{name}: {reason}")


def provenance(source: Path) -> Provenance:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else "no git repository"

    def sha256(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return Provenance(
        datetime.date.today().isoformat(),
        git("rev-parse", "HEAD"),
        bool(git("status", "--porcelain", "--untracked-files=no")),
        sha256(Path("requirements.lock")),
        sha256(source),
        f"{platform.machine()}, {os.cpu_count()} cores",
        {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    )


def warn(family: str, row: dict[str, Any], needs: dict[str, str], study: Study) -> None:
    """Say on stderr what the method was told that the metrics look for; the board has it in two columns."""
    if labels := shared_labels(row, study, needs):
        known = ", ".join(labels)
        print(f"warning: {family}: a network of it knows the labels that the encoder reads: {known}", file=sys.stderr)
    if shares_weights(weights_of(row, study, needs), study):
        print(f"warning: {family}: a network of it shares the weights of the encoder", file=sys.stderr)


def chosen_of(family: str, source: Path, rows: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """The row that the development prompts choose, and the gain of each there; a single row is taken as it is."""
    if len(rows) == 1:
        return next(iter(rows)), {}
    study = profile_of("development", family, source, list(rows))
    measured(study, "analysis.stages.sweep")
    gains = pd.read_csv(study.sweep_rows).set_index("row")["gain"].dropna()
    best = pd.read_csv(study.sweep_chosen).set_index("family")
    if family not in best.index:
        raise BadInput(f"{source}: no row holds the margins on the development prompts: see {study.sweep_rows}")
    return str(best.loc[family, "row"]), {name: float(gains[name]) for name in rows if name in gains}


def submit(method: str) -> Path:
    source = source_of(method)
    rows, needs = rows_of(source)
    family, code = next(iter(rows)).partition("-")[0], source.read_text(encoding="utf-8")
    require_id(family, "method")
    path = SUBMISSIONS / f"{family}.json"
    before = read_submission(path) if path.is_file() else None
    if before and before.code != code:
        raise BadInput(f"{path}: made from another file than {source}; delete it to replace it")
    chosen, gains = (before.row_name, before.development) if before else chosen_of(family, source, rows)
    study = profile_of("test", family, source, [chosen])
    warn(family, rows[chosen], needs, study)
    measured(study)
    results, plain = (read_set(study, name) for name in (chosen, study.analysis.baseline))
    needed = efficiency.table(study).loc[chosen, "images for plain's artists"]
    numbers = tuple(None if pd.isna(x) else float(x) for x in (needed.value, *needed.interval))
    name, made = BASES["test"].parent.name, provenance(source)
    found = Submission(VERSION, family, chosen, rows[chosen], needs, name, code, gains, results, plain, numbers, made)
    if before:
        require_repeats(str(path), table(chosen, results.rows), table(chosen, before.results.rows), study)
        found = replace(before, repeated=(*before.repeated, made))
    with new_file(path) as part:
        part.write_text(json.dumps(asdict(found), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    with one_line_errors():
        written = submit(*arguments(["METHOD"]))
        print(f"{written} is written; make leaderboard merges it")
