"""Where time goes: every stage's last run in this checkout. Writes bench/results/stages.json."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from bench.timing import machine
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput, one_line_errors

RESULTS = Path(__file__).parent / "results" / "stages.json"


def main() -> None:
    times = read_profile(Path("params.yaml")).times
    if not times.is_file():
        raise BadInput(f"no {times}: run make reproduce first")
    table = pd.DataFrame([json.loads(line) for line in times.read_text(encoding="utf-8").splitlines()])
    last = table.drop_duplicates("stage", keep="last")
    totals = {"runs": ("stage", "size"), "seconds": ("seconds", "sum"), "peak_gib": ("peak_gib", "max")}
    summary = last.groupby(last["stage"].str.split().str[0], sort=False).agg(**totals)
    print(summary.round(2).to_string())
    print(f"all stages: {last['seconds'].sum():.0f} s, at most {last['peak_gib'].max():.2f} GiB")
    found = {"machine": machine(), "rows": summary.round(2).reset_index().to_dict("records")}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
