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
import subprocess
import sys
from dataclasses import asdict, replace
from importlib.metadata import entry_points, version
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
    found = {one.name: one for one in entry_points(group=GROUP)}
    if method not in found:
        raise BadInput(
            f"METHOD: expected a path that ends in .py or one of {', '.join(found) or 'no'} entry points of "
            f"group {GROUP}, got {method!r}"
        )
    return Path(found[method].load().__file__)


def run_module(*words: str) -> str:
    """Run a stage in a process of its own: what a stranger's code registers stays there. Returns what it printed."""
    done = subprocess.run([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BadInput(f"{words[0]} ended with {done.returncode}; what it said is above")
    return done.stdout


def rows_of(source: Path) -> dict[str, Any]:
    """The validated rows of the file, without plain sampling. Raises BadInput unless they are of one family."""
    rows = json.loads(run_module("pipeline.machine.rows", str(source)))
    rows.pop("plain")
    families = {name.partition("-")[0] for name in rows}
    if len(families) != 1:
        raise BadInput(f"{source}: METHODS: expected rows of one method, NAME or NAME-STRENGTH, got {', '.join(rows)}")
    return rows


def profile_of(split: str, family: str, source: Path, rows: list[str]) -> Study:
    """The profile in which plain sampling and these rows are measured, written where DVC and git do not look."""
    name = f"submission_{family}" + ("" if split == "test" else f"_{split}")
    values = read_yaml(BASES[split])
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
    for stage in (*STAGES, *more):
        run_module(stage, f"{study.here}params.yaml")


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


def warned(family: str, row: dict[str, Any], study: Study) -> None:
    """Say on stderr what the method was told that the metrics look for; the board has it in two columns."""
    if labels := shared_labels(row, study):
        print(
            f"warning: {family}: a network of it knows the labels that the encoder reads: {', '.join(labels)}",
            file=sys.stderr,
        )
    if shares_weights(weights_of(row, study), study):
        print(
            f"warning: {family}: a network of it shares weights with the encoder {study.encoder.name}", file=sys.stderr
        )


def submit(method: str) -> Path:
    source = source_of(method)
    rows = rows_of(source)
    family = next(iter(rows)).partition("-")[0]
    require_id(family, "method")
    gains, chosen = {}, next(iter(rows))
    if len(rows) > 1:
        development = profile_of("development", family, source, list(rows))
        measured(development, "analysis.stages.sweep")
        swept = pd.read_csv(development.sweep_rows).set_index("row")["gain"].dropna()
        gains = {name: float(value) for name, value in swept.items() if name in rows}
        best = pd.read_csv(development.sweep_chosen).set_index("family")
        if family not in best.index:
            raise BadInput(f"{source}: no row holds the margins on the development prompts: {development.sweep_rows}")
        chosen = str(best.loc[family, "row"])
    study = profile_of("test", family, source, [chosen])
    warned(family, rows[chosen], study)
    measured(study)
    needed = efficiency.table(study).loc[chosen, "images for plain's artists"]
    numbers = (needed.value, *needed.interval)
    found = Submission(
        VERSION,
        family,
        chosen,
        rows[chosen],
        BASES["test"].parent.name,
        source.read_text(encoding="utf-8"),
        gains,
        read_set(study, chosen),
        read_set(study, study.analysis.baseline),
        tuple(None if pd.isna(x) else float(x) for x in numbers),
        provenance(source),
    )
    path = SUBMISSIONS / f"{family}.json"
    if path.is_file():
        before = read_submission(path)
        require_repeats(
            str(path), table(chosen, found.results.rows), table(before.row_name, before.results.rows), study
        )
        found = replace(before, repeated=(*before.repeated, found.provenance))
    with new_file(path) as part:
        part.write_text(json.dumps(asdict(found), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    with one_line_errors():
        written = submit(*arguments(["METHOD"]))
        print(f"{written} is written; make leaderboard merges it")
