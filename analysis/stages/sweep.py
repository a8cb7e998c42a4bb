"""STAGE sweep, after sampling and distances: each row as shares of the gap closed, quality against plain, and cost; and
which strength of each family is chosen."""

from __future__ import annotations

import pandas as pd

from analysis.estimates.estimates import GAIN_METRIC, estimates, gains, gap_estimates
from analysis.estimates.quality import holds, margin_estimates
from analysis.study.results import passes_per_image, read_results
from analysis.study.settings import Study
from pipeline.profile.stage import main
from pipeline.sets.failures import read_failures
from pipeline.sets.feature_sets import SPACES
from repulsion.core.errors import BadInput
from repulsion.core.files import new_file


def family(row: str) -> tuple[str, str]:
    """A row's name FAMILY-STRENGTH, cut in two; a row without a strength is a family of its own."""
    name, _, strength = row.partition("-")
    return name, strength


def row_table(study: Study, failed: dict[str, str]) -> pd.DataFrame:
    """A line for each row: family, strength, gain, shares of the gap, quality less plain's, counts, cost; or a reason
    why there are none."""
    rows = [name for name in study.methods if name not in failed]
    results = read_results(study, (*rows, *study.references))
    gaps = {
        metric: {space: gap_estimates(results, study, metric, space) for space in SPACES}
        for metric in ("mmd", "frechet")
    }
    gain = gains(gaps[GAIN_METRIC])
    margins = margin_estimates(results, study)
    counts = {name: estimates(results, name) for name in ("effective_artists", "place_spread", "place_coverage")}
    passes = passes_per_image(study, tuple(rows))
    table = []
    for row in rows:
        line: dict[str, object] = dict(zip(("family", "strength"), family(row), strict=True)) | {"row": row}
        found = {"gain": gain[row]}
        found |= {f"{metric} {space}": by[row] for metric, spaces in gaps.items() for space, by in spaces.items()}
        found |= {f"{name} less plain": by[row] for name, by in margins.items()}
        found |= {name: by[row] for name, by in counts.items()}
        for name, one in found.items():
            line |= {name: one.value, f"{name} low": one.interval[0], f"{name} high": one.interval[1]}
        line["within"] = holds(margins, row, study.analysis.margins)
        table.append(line | passes.loc[row].to_dict() | {"reason": ""})
    lost = [dict(zip(("family", "strength"), family(r), strict=True)) | {"row": r, "reason": failed[r]} for r in failed]
    return pd.DataFrame(table + lost)


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """Of each family the row with the largest gain among those that hold every margin: of relative strengths only, as
    raw ones do not transfer. A family none of whose rows holds them is left out."""
    held = table["within"].fillna(False).astype(bool)  # a failed row has no value
    fair = table[held & ~table["strength"].str.startswith("alpha")]
    best = fair.loc[fair.groupby("family", sort=False)["gain"].idxmax()]
    return best[["family", "row", "gain", "gain low", "gain high"]]


def run(study: Study) -> None:
    if study.analysis.sweep != study.profile:  # it would overwrite another sweep's results
        raise BadInput(f"analysis: sweep: expected its own name {study.profile!r}, got {study.analysis.sweep!r}")
    table = row_table(study, read_failures(study))
    for path, rows in ((study.sweep_rows, table), (study.sweep_chosen, chosen(table))):
        with new_file(path) as part:
            rows.to_csv(part, index=False, lineterminator="\n", float_format="%.6g")


if __name__ == "__main__":
    main(run, kind=Study)
