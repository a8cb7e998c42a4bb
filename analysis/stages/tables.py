"""STAGE tables: every table as .csv (as measured), .tex and .html (as printed), and the summary for `dvc metrics`.

A column whose metric ranks sets wrongly at this number of images carries a mark: see analysis.estimates.marks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from analysis.estimates import control, efficiency
from analysis.estimates.claims import thesis
from analysis.estimates.estimates import Estimate, estimates, estimates_by_prompt, gap_estimates
from analysis.estimates.gap import published_gap_closed
from analysis.estimates.intervals import holm, p_value
from analysis.estimates.marks import weak
from analysis.estimates.quality import holds, margin_estimates
from analysis.metrics.metrics import AGAINST, ALONE, READINGS
from analysis.paper.labels import SPACE_LABELS, label
from analysis.paper.printing import write
from analysis.study.inputs import json_at
from analysis.study.results import passes_per_image, read_results
from analysis.study.rows import ONE_SPACE
from analysis.study.settings import Study
from pipeline.profile.stage import main
from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file

COST_FILE = Path("bench/results/cost.json")
TRUSTED = {None: "not tested", True: "no", False: "yes"}
COUNTS = ("effective_artists", "place_spread", "place_coverage")
PRIMARY = ("frechet", "mmd")  # the thesis's distance, and the unbiased one
# Tables whose columns are spaces, of one metric each.
METRIC_OF = {"frechet": "frechet", "mmd": "mmd", "gap_closed": "frechet", "gap_closed_mmd": "mmd"}


def distances(results: pd.DataFrame, study: Study, metric: str) -> pd.DataFrame:
    """One distance to the reference, mean over prompts: a row for each set, a column for each space."""
    columns = {space: estimates(results, metric, space, study.analysis.reference) for space in SPACE_LABELS}
    return pd.DataFrame(columns).reindex(s for s in study.image_sets if s != study.analysis.reference)


def distances_by_prompt(results: pd.DataFrame, study: Study, metric: str) -> pd.DataFrame:
    """One distance to the reference in each space: a row for each set, a column for each prompt and their mean."""
    parts = {}
    for space in SPACE_LABELS:
        rows = estimates_by_prompt(results, metric, space, study.analysis.reference)
        means = estimates(results, metric, space, study.analysis.reference)
        parts[space] = pd.DataFrame.from_dict(rows, orient="index").assign(mean=means)
    table = pd.concat(parts, names=["space", "set"])
    return table.reset_index(level="space").rename_axis(index="set")


def gap(results: pd.DataFrame, study: Study, metric: str) -> pd.DataFrame:
    """Shares of the gap closed; beside the Fréchet distance's, the thesis's own."""
    table = pd.DataFrame({space: gap_estimates(results, study, metric, space) for space in SPACE_LABELS})
    table = table.reindex(s for s in study.image_sets if s != study.analysis.reference)
    if metric != "frechet":
        return table
    return table.join(published_gap_closed(study.analysis.baseline).add_prefix("thesis "))


def differences(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Each method against plain sampling, paired, with p-values by Holm's correction over the methods of a column pair:
    MMD to the reference in each space, and subject accuracy where it is read."""
    p, columns = study.analysis, {}
    for space in SPACE_LABELS:
        columns[f"mmd {space}"] = estimates(results, "mmd", space, p.reference)
    if (results["metric"] == "subject_accuracy").any():
        columns["subject accuracy"] = estimates(results, "subject_accuracy")
    table = {}
    for title, found in columns.items():
        moved = {m: found[m] - found[p.baseline] for m in study.methods if m != p.baseline}
        table[title] = moved
        table[f"{title} p"] = holm({m: p_value(one.draws) for m, one in moved.items()})
    return pd.DataFrame(table).reindex(m for m in study.methods if m != p.baseline)


def margins(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Quality of each method less the baseline's, and whether every margin holds with its whole interval."""
    found = margin_estimates(results, study)
    methods = [m for m in study.methods if m != study.analysis.baseline]
    held = {m: holds(found, m, study.analysis.margins) for m in methods}
    return pd.DataFrame(found).reindex(methods).assign(**{"within margins": held})


def truth(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Diversity counted in what the readout finds; no column where the encoder reads nothing."""
    return read(results, COUNTS).reindex(study.image_sets)


def quality(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """What the readout finds of quality; how far images are from the realism set, and how far they have drifted from
    the baseline's own, in the general space."""
    counted = [name for metrics in READINGS.values() for name in metrics if name not in COUNTS]
    p, columns = study.analysis, {}
    for metric in ("precision", "nearest_distance", "mmd"):
        columns[f"{metric} to {p.realism}"] = estimates(results, metric, ONE_SPACE[0], p.realism)
    if (results["metric"] == "drift").any():  # there is none where the baseline is the only method
        columns["drift"] = estimates(results, "drift", ONE_SPACE[0], p.baseline)
    return pd.concat([read(results, counted), pd.DataFrame(columns)], axis=1).reindex(study.image_sets)


def read(results: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Readings, a column for each of those that there are."""
    return pd.DataFrame({name: estimates(results, name) for name in names if (results["metric"] == name).any()})


def cost(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Denoiser passes as counted in this run; time and memory as `make bench` measured them, once, on the machine that
    its file names: times differ from run to run, and are in no other result."""
    passes = passes_per_image(study)
    forward = passes["denoiser passes"]
    table = passes.assign(**{"passes of plain": forward / forward[study.analysis.baseline]})
    bench = json_at(COST_FILE, "make bench")
    try:
        measured = pd.DataFrame(bench["rows"]).set_index("method")[["seconds_per_image", "time_of_plain", "peak_gib"]]
        model = bench["model"]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{COST_FILE}: not as make bench writes it ({one_line(error)}); make bench writes it") from None
    return table.join(measured) if study.model == model else table


def all_metrics(results: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Every metric against the reference, or of the set alone, in every space: a row for each."""
    rows = []
    for names, other in ((AGAINST, study.analysis.reference), (ALONE, "")):
        for metric in names:
            for space in SPACE_LABELS:
                found = estimates(results, metric, space, other)
                trusted = TRUSTED[weak(study, metric, space)]
                rows += [
                    {"set": name, "metric": metric, "space": space, "value": one, "n is enough": trusted}
                    for name, one in found.items()
                ]
    return pd.DataFrame(rows).set_index("set")


TABLES: dict[str, Callable[[pd.DataFrame, Study], pd.DataFrame]] = {
    "gap_closed": lambda results, study: gap(results, study, "frechet"),
    "gap_closed_mmd": lambda results, study: gap(results, study, "mmd"),
    "differences": differences,
    "truth": truth,
    "quality": quality,
    "margins": margins,
    "control": control.table,
    "efficiency": lambda results, study: efficiency.table(study),
    "findings": thesis.table,
    "frechet": lambda results, study: distances(results, study, "frechet"),
    "mmd": lambda results, study: distances(results, study, "mmd"),
    "frechet_by_prompt": lambda results, study: distances_by_prompt(results, study, "frechet"),
    "mmd_by_prompt": lambda results, study: distances_by_prompt(results, study, "mmd"),
    "all_metrics": all_metrics,
    "cost": cost,
}


def summary(tables: dict[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """For each set: shares of the gap closed, and quality. What has no value is not there."""
    found: dict[str, dict[str, float]] = {}
    for name in ("gap_closed", "gap_closed_mmd", "truth", "quality"):
        for column in tables[name]:
            for row, cell in tables[name][column].items():
                if isinstance(cell, Estimate) and not math.isnan(cell.value):
                    key = f"{name}.{column}" if name.startswith("gap") else column
                    found.setdefault(row, {})[key] = round(cell.value, 6)
    return found


def run(study: Study) -> None:
    results = read_results(study)
    tables = {name: make(results, study) for name, make in TABLES.items()}
    marks = {m: [label(space) for space in SPACE_LABELS if weak(study, m, space)] for m in PRIMARY}
    for name, table in tables.items():
        metric = METRIC_OF.get(name)
        write(table, study.tables / name, marks.get(metric, ()))
    with new_file(study.tables / "marks.json") as part:
        part.write_text(json.dumps(marks, indent=1) + "\n", encoding="utf-8")
    shares = tables["gap_closed"]["general"].map(lambda cell: cell.value).rename("share").rename_axis("set")
    with new_file(study.gap_plot) as part:
        shares.to_csv(part, lineterminator="\n", float_format="%.8g")
    with new_file(study.summary) as part:
        part.write_text(json.dumps(summary(tables), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(run, kind=Study)
