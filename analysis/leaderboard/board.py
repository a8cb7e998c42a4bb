"""The leaderboard's rows: every method of a model's profiles, measured against one plain sampling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.estimates.estimates import Estimate, estimates, gains, gap_estimates
from analysis.estimates.quality import holds, margin_estimates
from analysis.leaderboard.privileges import shared_labels, shares_weights, weights_of
from analysis.leaderboard.ranks import Rank, freedom_of, ranks
from analysis.paper.labels import label
from analysis.paper.printing import three_digits
from analysis.study.comparable import MEASURED_ALIKE, require_alike
from analysis.study.inputs import table_at
from analysis.study.leaderboard import Leaderboard
from analysis.study.results import PASSES, passes_per_image, read_results
from analysis.study.settings import Study
from pipeline.profile.prompts import read_prompts
from repulsion.core.errors import BadInput
from repulsion.core.files import read_yaml

ONE_MODEL = (*MEASURED_ALIKE, "model", "style_classifier")
COUNTS = ("effective_artists", "place_spread")
NEEDED = "images for plain's artists"  # of table efficiency
MEASURED = ("seconds_per_image", "time_of_plain", "peak_gib")  # of table cost, where make bench measured the model
SAME = 0.02  # how far two runs of plain sampling may differ in a gain's terms: runs on one machine do not differ


@dataclass(frozen=True)
class Entry:
    """A method on the board: its row, whose it is (the profile's, or a submission's), what it costs, and numbers that
    were measured beside the results."""

    row: dict[str, Any]
    source: str
    passes: dict[str, float]
    measured: dict[str, float]
    weights: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Pool:
    """The results of one model: those of the first profile and of the methods that the others add."""

    study: Study
    results: pd.DataFrame
    entries: dict[str, Entry]


def numbers_of(study: Study, table: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """These columns of a profile's table, by set; without those that it does not have."""
    found = table_at(study.tables / f"{table}.csv", [["set"]], [], "dvc repro").set_index("set")
    return found[[c for c in columns if c in found]]


def entries_of(study: Study) -> dict[str, Entry]:
    rows, passes = read_yaml(Path(study.methods_file)), passes_per_image(study)
    needed = (NEEDED, f"{NEEDED} low", f"{NEEDED} high")
    measured = numbers_of(study, "efficiency", needed).join(numbers_of(study, "cost", MEASURED), how="outer")
    return {
        name: Entry(
            rows[name],
            study.profile,
            passes.loc[name].to_dict(),
            measured.loc[name].to_dict() if name in measured.index else {},
            tuple(weights_of(rows[name], study)),
        )
        for name in study.methods
    }


def pooled(studies: list[Study]) -> Pool:
    """The profiles of one model as one. Raises BadInput for profiles that are not alike, or whose plain samplings are
    not the same: differences would not be paired."""
    require_alike(studies, ONE_MODEL)
    first, *others = studies
    results, entries = [read_results(first)], entries_of(first)
    for study in others:
        found = read_results(study)
        require_same_plain(first, results[0], study, found)
        new = [name for name in study.methods if name not in entries]
        results.append(found[found["set"].isin(new)])
        entries |= {name: one for name, one in entries_of(study).items() if name in new}
    return Pool(first, pd.concat(results, ignore_index=True), entries)


def require_same_plain(first: Study, results: pd.DataFrame, study: Study, found: pd.DataFrame) -> None:
    p = first.analysis
    values = [
        estimates(r[r["set"] == p.baseline], "mmd", "general", p.reference)[p.baseline].value for r in (results, found)
    ]
    if abs(values[0] - values[1]) > SAME * abs(values[0]):
        raise BadInput(
            f"profile {study.profile}: {p.baseline}: mmd to {p.reference} is {values[1]:.5g}, in profile "
            f"{first.profile} {values[0]:.5g}: not the same images; make both on one machine"
        )


def lost(differences: dict[str, Estimate], margins: dict[str, float]) -> float:
    """How much of its margin the quality that suffers most has used up: 0 is plain sampling's, 1 is the margin."""
    return max(one.value / margins[name] for name, one in differences.items())


def three(name: str, one: Estimate) -> dict[str, float]:
    low, high = one.interval
    return {name: one.value, f"{name} low": low, f"{name} high": high}


def rows(pool: Pool, p: Leaderboard, model: str) -> list[dict[str, Any]]:
    """A row for each method of a model, the best first, those outside the margins last and without a rank."""
    study, margins = pool.study, pool.study.analysis.margins
    shares = {space: gap_estimates(pool.results, study, p.metric, space) for space in p.spaces}
    gain = gains(shares)
    quality = margin_estimates(pool.results, study)
    counts = {name: estimates(pool.results, name) for name in COUNTS if (pool.results["metric"] == name).any()}
    within = {name: holds(quality, name, margins) for name in pool.entries}
    freedom = freedom_of(len(read_prompts(study.prompts_file)), study.sampling.sets_per_prompt)
    ranked = ranks({name: gain[name] for name in pool.entries if within[name]}, freedom)
    plain = pool.entries[study.analysis.baseline].passes
    table = []
    for name in sorted(pool.entries, key=lambda n: (not within[n], -gain[n].value)):
        entry, rank = pool.entries[name], ranked.get(name, Rank(0, 0, ()))
        by_margin = {metric: by[name] for metric, by in quality.items()}
        line: dict[str, Any] = {"model": model, "method": name, "source": entry.source, "within margins": within[name]}
        line |= {"best rank": rank.best or np.nan, "worst rank": rank.worst or np.nan, "tied with": " ".join(rank.tied)}
        line |= three("gain", gain[name])
        for found in (
            {f"gap {space}": by[name] for space, by in shares.items()},
            {n: by[name] for n, by in counts.items()},
        ):
            for title, one in found.items():
                line |= three(title, one)
        line |= {title: entry.measured.get(title, np.nan) for title in (NEEDED, f"{NEEDED} low", f"{NEEDED} high")}
        for metric, one in by_margin.items():
            line |= three(f"{metric} less plain", one)
        line["margin used"] = lost(by_margin, margins)
        line |= entry.passes | {"passes of plain": sum(entry.passes.values()) / plain[PASSES["denoiser_passes"]]}
        line |= {title: entry.measured.get(title, np.nan) for title in MEASURED}
        line["knows labels"] = " ".join(shared_labels(entry.row, study))
        line["shares weights"] = shares_weights(list(entry.weights), study)
        table.append(line)
    return table


def printed(value: float, low: float = np.nan, high: float = np.nan) -> str:
    """A number, and its interval where there is one."""
    if np.isnan(low) and np.isnan(high):
        return three_digits(value)
    return f"{three_digits(value)} [{three_digits(low)}, {three_digits(high)}]"


def ranked(row: pd.Series) -> str:
    """A rank, or the ranks that a method may have; a dash for one outside the margins."""
    if np.isnan(row["best rank"]):
        return "-"
    best, worst = int(row["best rank"]), int(row["worst rank"])
    return str(best) if best == worst else f"{best}-{worst}"


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The board as papers print it: numbers with their intervals."""
    columns = {"model": table["model"], "method": table["method"].map(label), "rank": table.apply(ranked, axis=1)}
    gaps = (c for c in table if c.startswith("gap ") and not c.endswith((" low", " high")))
    for name in ("gain", *gaps, *COUNTS, NEEDED):
        if name in table:
            triples = table[[name, f"{name} low", f"{name} high"]].itertuples(index=False, name=None)
            columns[label(name)] = [printed(*three) for three in triples]
    columns["margins"] = table["within margins"].map({True: "hold", False: "do not"})
    columns["margin used"] = table["margin used"].map(three_digits)
    columns["passes of plain"] = table["passes of plain"].map(three_digits)
    columns["knows labels"] = table["knows labels"].replace("", "-")
    return pd.DataFrame(columns)
