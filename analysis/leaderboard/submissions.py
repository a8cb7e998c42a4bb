"""Submissions: a method from outside this repository, with its results and where they come from, as one JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from analysis.study.comparable import KEYS, compare
from analysis.study.leaderboard import SUBMISSIONS
from analysis.study.results import Row, SetResults
from analysis.study.settings import Study
from repulsion.core.errors import BadInput
from repulsion.core.files import read_text, require_id
from repulsion.core.settings import Text, json_schema, settings, strict_json

VERSION = 1


@settings
class Provenance:
    """Where results were made: `commit` of this repository, and whether files differed from it; the sha256 of
    requirements.lock and of the submitted file; the machine and versions."""

    date: Text
    commit: Text
    changed: bool
    lock: Text
    source: Text
    machine: Text
    versions: dict[str, str]


@settings
class Submission:
    """A method's row and its results on the test prompts of profile `profile`, beside those of plain sampling on the
    same machine. `needs`: the networks that spaces need, those that the code registers among them. `code` is the file
    that was submitted, `development` the gain of each row that it offered on the development prompts (none where it
    offered one), `needed` how many images show what all of plain sampling's do: value, low, high. `repeated`: where
    else the numbers were made again and were within tolerance."""

    version: Literal[1]
    method: Text
    row_name: Text
    row: dict[str, Any]
    needs: dict[str, str]
    profile: Text
    code: Text
    development: dict[str, float]
    results: SetResults
    plain: SetResults
    needed: Annotated[tuple[float | None, ...], Field(min_length=3, max_length=3)]
    provenance: Provenance
    repeated: tuple[Provenance, ...] = ()

    def __post_init__(self) -> None:
        require_id(self.method, "method")
        if self.results.set != self.row_name:
            raise BadInput(f"results: expected those of {self.row_name!r}, got those of {self.results.set!r}")


def schema() -> str:
    """The JSON Schema of a submission."""
    return json_schema(Submission, "A submission to the leaderboard of Repulsion Bench")


def read_submission(path: Path) -> Submission:
    """A submission, in the file that is named for its method. Raises BadInput for what the schema does not allow."""
    found = strict_json(Submission, read_text(path), str(path))
    if path.stem != found.method:
        raise BadInput(f"{path}: expected a file named {found.method}.json")
    return found


def submissions(folder: Path = SUBMISSIONS) -> list[Submission]:
    return [read_submission(path) for path in sorted(folder.glob("*.json"))]


def table(name: str, rows: Iterable[Row]) -> pd.DataFrame:
    """Results as read_results gives them, under a name."""
    return pd.DataFrame(map(vars, rows)).assign(set=name)


def require_repeats(where: str, found: pd.DataFrame, expected: pd.DataFrame, study: Study) -> None:
    """Raise BadInput, which names the row that differs most, unless results are those expected, within the profile's
    tolerances of `make check`; metrics without one follow the same features."""
    kept = [t[t["metric"].isin(list(study.analysis.check))] for t in (found, expected)]
    moved = compare(kept[0], kept[1][[*KEYS, "value"]], study)
    if moved["within"].all():
        return
    beyond = moved[~moved["within"]]
    worst = beyond.loc[(beyond["difference"].abs() / beyond["tolerance"]).fillna(float("inf")).idxmax()]
    space = f" in {worst['space']}" if worst["space"] else ""
    raise BadInput(
        f"{where}: {len(beyond)} of {len(moved)} results do not repeat; {worst['set']}, prompt {worst['prompt_id']}: "
        f"{worst['metric']}{space}: expected {worst['value_expected']:.5g}, got {worst['value_found']:.5g}, tolerance "
        f"{worst['tolerance']:.3g}"
    )
