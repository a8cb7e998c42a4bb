"""`make check`: a profile's results against the expected ones, within the profile's tolerances; a table of what moved.

`python -m analysis.artifact.check params.yaml` compares and fails where something moved too far; --accept stores the
results as the expected ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.study.comparable import KEYS, compare
from analysis.study.inputs import table_at
from analysis.study.known_metrics import require_known_metrics
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from pipeline.profile.profile import read_profile
from repulsion.core.errors import one_line_errors
from repulsion.core.files import new_file

ACCEPT = "--accept"


def read_expected(path: Path) -> pd.DataFrame:
    return table_at(
        path, [KEYS], [], f"python -m analysis.artifact.check with {ACCEPT}", ["value"], dtype=dict.fromkeys(KEYS, str)
    )


def report(table: pd.DataFrame) -> str:
    """The largest move of each metric, as a share of its tolerance, and every row beyond it."""
    shares = (table["difference"].abs() / table["tolerance"]).fillna(float("inf"))
    moved = table.assign(moved=shares.where(~table["within"] | np.isfinite(shares), 0.0))  # nothing moved where 0 is 0
    worst = moved.loc[moved.groupby("metric")["moved"].idxmax()]
    beyond = moved[~moved["within"]]
    head = f"{len(table)} results, {len(beyond)} beyond their tolerance. The largest move of each metric:"
    return "\n".join([head, shown(worst), *([] if beyond.empty else ["", "Beyond:", shown(beyond)])])


def shown(table: pd.DataFrame) -> str:
    columns = [*KEYS, "value_expected", "value_found", "difference", "tolerance", "moved"]
    return table[columns].to_string(index=False, float_format="{:.4g}".format)


def main() -> None:
    path, *accept = arguments(["params.yaml"], flag=ACCEPT)
    study = read_profile(Path(path), Study)
    require_known_metrics(study)
    found = read_results(study)
    toleranced = found["metric"].isin(list(study.analysis.check))  # the rest follows the same features
    found = found[toleranced]
    if accept:
        with new_file(study.expected) as part:
            found[[*KEYS, "value"]].to_csv(part, index=False, lineterminator="\n")
        print(f"{study.expected}: {len(found)} results are now expected")
        return
    table = compare(found, read_expected(study.expected), study)
    print(report(table))
    if not table["within"].all():
        sys.exit(1)


if __name__ == "__main__":
    with one_line_errors():
        main()
