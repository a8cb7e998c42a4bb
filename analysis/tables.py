"""STAGE tables: every table as .csv (as measured), .tex and .html (as printed), and the summary for `dvc metrics`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from analysis.gap import gap_closed, published_gap_closed
from analysis.results import passes_per_image, read_results, select
from analysis.style import SPACE_LABELS, label
from pipeline.params import BadInput, new_file
from pipeline.profile import Profile
from pipeline.stage import main

COST_FILE = Path("bench/results/cost.json")
REALISM_SPACE = "general"
NOTHING = "-"


def distance_table(results: pd.DataFrame, profile: Profile, metric: str) -> pd.DataFrame:
    """One distance to the reference: rows (space, set), a column for each prompt, and their mean."""
    parts = {space: select(results, metric, space, profile.distances.reference) for space in SPACE_LABELS}
    table = pd.concat(parts, names=["space", "set"])
    return table.assign(mean=table.mean(axis=1)).reset_index()


def frechet(results: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    return distance_table(results, profile, "frechet")


def mmd(results: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    return distance_table(results, profile, "mmd")


def gap(results: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Shares of the gap closed, of the Fréchet distances' means over prompts, beside the thesis's."""
    p = profile.distances
    means = frechet(results, profile).pivot(index="set", columns="space", values="mean")
    shares = means.apply(gap_closed, baseline=p.baseline, floor=p.floor).reindex(profile.sets)[list(SPACE_LABELS)]
    thesis = published_gap_closed(p.baseline).reindex(profile.sets).add_prefix("thesis ")
    return shares.join(thesis).drop(index=p.reference).reset_index()


def cost(results: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Denoiser passes as counted in this run; time and memory as `make bench` measured them, once, on the machine that
    its file names: times of a run differ from run to run, and stand in no result."""
    passes = passes_per_image(profile)
    bench = json.loads(COST_FILE.read_text())
    table = pd.DataFrame({"denoiser_passes": passes, "passes_of_plain": passes / passes[profile.distances.baseline]})
    if profile.model != bench["model"]:
        return table.reset_index(names="set")
    measured = pd.DataFrame(bench["rows"]).set_index("method")[["seconds_per_image", "time_of_plain", "peak_gib"]]
    return table.join(measured).reset_index(names="set")


def quality(results: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Means over prompts: what the readout finds, and how far images are from the realism set."""
    p = profile.distances
    columns = {
        name: select(results, name).mean(axis=1)
        for name in ("subject_accuracy", "artist_confidence", "effective_artists", "place_spread")
        if (results["metric"] == name).any()
    }
    for metric in ("frechet", "mmd"):
        columns[f"{metric}_to_{p.realism}"] = select(results, metric, REALISM_SPACE, p.realism).mean(axis=1)
    return pd.DataFrame(columns).reindex(profile.sets).reset_index(names="set")


TABLES: dict[str, Callable[[pd.DataFrame, Profile], pd.DataFrame]] = {
    "frechet": frechet,
    "mmd": mmd,
    "gap_closed": gap,
    "quality": quality,
    "cost": cost,
}


def printed(value: object) -> str:
    """Three significant digits without an exponent; a dash where there is no number."""
    if not isinstance(value, float):
        return label(str(value))
    if pd.isna(value):
        return NOTHING
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def write(table: pd.DataFrame, path: Path) -> None:
    shown = table.map(printed).rename(columns=label).rename_axis(columns=None)
    columns = "l" * sum(table[c].dtype.kind not in "fiu" for c in table) + "r" * sum(
        table[c].dtype.kind in "fiu" for c in table
    )
    texts = {
        ".csv": table.to_csv(index=False, lineterminator="\n", float_format="%.8g"),
        ".tex": shown.style.hide(axis="index").to_latex(hrules=True, column_format=columns),
        ".html": shown.to_html(index=False, border=0, escape=True, classes="numbers"),
    }
    for suffix, text in texts.items():
        with new_file(path.with_suffix(suffix)) as part:
            part.write_text(text)


def summary(tables: dict[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """One line for each set: shares of the gap closed and the readouts."""
    found: dict[str, dict[str, float]] = {}
    for name in ("gap_closed", "quality"):
        for row in tables[name].set_index("set").filter(regex="^(?!thesis)").itertuples():
            values = {f"{name}.{k}" if name == "gap_closed" else k: v for k, v in row._asdict().items() if k != "Index"}
            found.setdefault(row.Index, {}).update({k: round(v, 6) for k, v in values.items() if pd.notna(v)})
    return found


def run(profile: Profile) -> None:
    if not COST_FILE.is_file():
        raise BadInput(f"no {COST_FILE}; make bench writes it")
    results = read_results(profile)
    tables = {name: make(results, profile) for name, make in TABLES.items()}
    for name, table in tables.items():
        write(table, profile.tables / name)
    shares = tables["gap_closed"].melt("set", list(SPACE_LABELS), "space", "share")
    with new_file(profile.gap_plot) as part:
        shares.to_csv(part, index=False, lineterminator="\n", float_format="%.8g")
    with new_file(profile.summary) as part:
        part.write_text(json.dumps(summary(tables), indent=1) + "\n")


if __name__ == "__main__":
    main(run)
