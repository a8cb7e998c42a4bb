"""The leaderboard's rows: every method of a model's profiles, measured against plain sampling."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.estimates.estimates import GAIN_METRIC, GAIN_SPACES, Estimate, estimates, gains, gap_estimates
from analysis.estimates.quality import holds, margin_estimates, margin_used
from analysis.leaderboard.privileges import NETWORKS, shared_labels, shares_weights, weights_of
from analysis.leaderboard.ranks import Rank, freedom_of, ranks
from analysis.paper.labels import label
from analysis.paper.printing import three_digits, with_interval
from analysis.paper.web.board import ENDS, rank_of
from analysis.paper.web.methods import COUNTS
from analysis.study.comparable import MEASURED_ALIKE, require_alike
from analysis.study.inputs import table_at
from analysis.study.results import PASSES, passes_per_image, read_results
from analysis.study.settings import Study
from pipeline.profile.prompts import read_prompts
from repulsion.core.errors import BadInput
from repulsion.core.files import read_yaml

ONE_MODEL = (*MEASURED_ALIKE, "model", "style_classifier")
NEEDED = "images for plain's artists"  # of table efficiency
MEASURED = ("seconds_per_image", "time_of_plain", "peak_gib")  # of table cost, where make bench measured the model
ALL_PASSES = "passes with backward"  # of plain sampling's
SAME = 0.02  # how far two profiles' plain sampling may differ, as a share: made on one machine they do not


@dataclass(frozen=True)
class Entry:
    """A method on the board: its row, whose it is (the profile's, or a submission's), what it costs, numbers measured
    beside the results, and the networks that its spaces need. `plain`: the results of the plain sampling that was made
    with it, where that is not the board's."""

    row: dict[str, Any]
    source: str
    passes: dict[str, float]
    measured: dict[str, float]
    needs: dict[str, str] = field(default_factory=lambda: NETWORKS)
    plain: pd.DataFrame | None = None


@dataclass(frozen=True)
class Pool:
    """The results of one model: those of the first profile and of the methods that the others add."""

    study: Study
    results: pd.DataFrame
    entries: dict[str, Entry]


def numbers_of(study: Study, table: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """These columns of a profile's table, by set; without those that it does not have."""
    found = table_at(study.tables / f"{table}.csv", [["set"]], [], "dvc repro", na_values=[""]).set_index("set")
    return found[[c for c in columns if c in found]]


def entries_of(study: Study) -> dict[str, Entry]:
    rows, passes = read_yaml(Path(study.methods_file)), passes_per_image(study)
    needed = numbers_of(study, "efficiency", tuple(NEEDED + end for end in ENDS))
    measured = needed.join(numbers_of(study, "cost", MEASURED), how="outer")
    return {
        name: Entry(
            rows[name],
            study.profile,
            passes.loc[name].to_dict(),
            measured.loc[name].to_dict() if name in measured.index else {},
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
        new = {name: one for name, one in entries_of(study).items() if name not in entries}
        results.append(found[found["set"].isin(new)])
        entries |= new
    return Pool(first, pd.concat(results, ignore_index=True), entries)


def require_same_plain(first: Study, results: pd.DataFrame, study: Study, found: pd.DataFrame) -> None:
    p = first.analysis
    one, other = (
        estimates(r[r["set"] == p.baseline], GAIN_METRIC, "general", p.reference)[p.baseline].value
        for r in (results, found)
    )
    if abs(one - other) > SAME * abs(one):
        raise BadInput(
            f"profile {study.profile}: {p.baseline}: {GAIN_METRIC} to {p.reference} is {other:.5g}, in profile "
            f"{first.profile} {one:.5g}: not the same images; make both on one machine"
        )


@dataclass(frozen=True)
class Measures:
    """What the board ranks and shows, each by set: gain, its shares of the gap by space, quality less plain's by
    metric, counts by name."""

    gain: dict[str, Estimate]
    shares: dict[str, dict[str, Estimate]]
    quality: dict[str, dict[str, Estimate]]
    counts: dict[str, dict[str, Estimate]]


def measures(results: pd.DataFrame, study: Study) -> Measures:
    shares = {space: gap_estimates(results, study, GAIN_METRIC, space) for space in GAIN_SPACES}
    counts = {name: estimates(results, name) for name in COUNTS if (results["metric"] == name).any()}
    return Measures(gains(shares), shares, margin_estimates(results, study), counts)


def with_own_plain(pool: Pool, name: str, plain: pd.DataFrame) -> pd.DataFrame:
    """The results that a method is measured by that brought plain sampling of its own machine."""
    p, results = pool.study.analysis, pool.results
    kept = results[results["set"].isin((*pool.study.references, name))]
    return pd.concat([kept, plain.assign(set=p.baseline)], ignore_index=True)


def kind_of(row: dict[str, Any]) -> str:
    """repulsion; control: pushes in another direction than apart; other: nothing repels."""
    cells = row.get("repel") or []
    if not cells:
        return "other"
    return "repulsion" if all(cell.get("direction", "apart") == "apart" for cell in cells) else "control"


def columns_of(name: str, one: Estimate) -> dict[str, float]:
    """A number and its interval as three columns."""
    return dict(zip((name + end for end in ENDS), (one.value, *one.interval), strict=True))


def rows(pool: Pool, model: str, unranked: Collection[str] = ()) -> list[dict[str, Any]]:
    """A row for each method of a model, the best first; those outside the margins are last, and have no rank, nor have
    those that are `unranked`."""
    study, margins = pool.study, pool.study.analysis.margins
    whole = measures(pool.results, study)
    of = {
        name: whole if one.plain is None else measures(with_own_plain(pool, name, one.plain), study)
        for name, one in pool.entries.items()
    }
    gain = {name: found.gain[name] for name, found in of.items()}
    within = {name: holds(found.quality, name, margins) for name, found in of.items()}
    freedom = freedom_of(len(read_prompts(study.prompts_file)), study.sampling.sets_per_prompt)
    places = ranks({name: one for name, one in gain.items() if within[name] and name not in unranked}, freedom)
    plain = pool.entries[study.analysis.baseline].passes[PASSES["denoiser_passes"]]
    table = []
    for name in sorted(pool.entries, key=lambda n: (not within[n], -gain[n].value)):
        entry, place, found = pool.entries[name], places.get(name, Rank(0, 0, ())), of[name]
        quality = {metric: by[name] for metric, by in found.quality.items()}
        line: dict[str, Any] = {"model": model, "world": study.world or "", "method": name, "kind": kind_of(entry.row)}
        line |= {"source": entry.source, "within margins": within[name]}
        line |= {"best rank": place.best or np.nan, "worst rank": place.worst or np.nan}
        line |= {"tied with": " ".join(place.tied)} | columns_of("gain", gain[name])
        for title, by in found.shares.items():
            line |= columns_of(f"gap {title}", by[name])
        for title, by in found.counts.items():
            line |= columns_of(title, by[name])
        line |= {NEEDED + end: entry.measured.get(NEEDED + end, np.nan) for end in ENDS}
        for title, one in quality.items():
            line |= columns_of(f"{title} less plain", one)
        line |= {"margin used": margin_used(quality, margins).value} | entry.passes
        line |= {ALL_PASSES: sum(entry.passes.values()) / plain}
        line |= {title: entry.measured.get(title, np.nan) for title in MEASURED}
        line["knows labels"] = " ".join(shared_labels(entry.row, study, entry.needs))
        line["shares weights"] = shares_weights(weights_of(entry.row, study, entry.needs), study)
        table.append(line)
    return table


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The board as papers print it: numbers with their intervals."""
    columns = {"model": table["model"], "method": table["method"].map(label), "rank": table.apply(rank_of, axis=1)}
    for name in ("gain", *(f"gap {space}" for space in GAIN_SPACES), *COUNTS, NEEDED):
        if name in table:
            numbers = table[[name + end for end in ENDS]].itertuples(index=False, name=None)
            columns[label(name)] = [with_interval(*of) for of in numbers]
    columns["margins"] = table["within margins"].map({True: "hold", False: "do not"})
    columns |= {name: table[name].map(three_digits) for name in ("margin used", ALL_PASSES)}
    columns["knows labels"] = table["knows labels"].replace("", "-")
    return pd.DataFrame(columns)
