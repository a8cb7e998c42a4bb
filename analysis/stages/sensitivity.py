"""STAGE sensitivity: how every metric answers to each dial: that of the factor it should see, and the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import spearmanr
from tqdm import tqdm

from analysis.estimates.intervals import interval, resampled, times_drawn
from analysis.metrics.dialled import read_sets, values
from analysis.study.shipped import CURVES, SENSITIVITY, seen
from pipeline.profile.command_line import arguments
from pipeline.profile.dial_settings import DIALS, DialSettings, features_path, read_settings
from pipeline.world.worlds import WORLDS
from repulsion.core.errors import one_line_errors
from repulsion.core.files import new_file

POWER, SEED = 0.95, 0


def metrics_by_dial(p: DialSettings) -> pd.DataFrame:
    """Every metric of every set: subject, repeat, dial, position, metric, space, value."""
    rows = []
    total = len(p.subjects) * p.repeats * sum(map(len, p.dials.values()))
    with tqdm(total=total, desc="sensitivity") as bar:
        for subject in p.subjects:
            sets = read_sets(features_path(p, "dials", subject), "dials", p)
            for repeat in range(p.repeats):
                for dial, positions in p.dials.items():
                    for k, position in enumerate(positions):
                        found = values(
                            sets[f"{dial}-{repeat}-{k}"],
                            sets[f"reference-{repeat}"],
                            WORLDS[p.world].subjects.index(subject),
                        )
                        rows += [(subject, repeat, dial, position, *key, value) for key, value in found.items()]
                        bar.update()
    return pd.DataFrame(rows, columns=["subject", "repeat", "dial", "position", "metric", "space", "value"])


def rank_correlations(table: Float[np.ndarray, "runs positions"]) -> Float[np.ndarray, " runs"]:
    """Spearman's correlation of a dial with a metric in each run (a run is a subject's repeat); 0 for a metric that
    does not move, nan in all where it is without a value in one."""
    if np.isnan(table).any():
        return np.full(len(table), np.nan)
    positions = np.arange(table.shape[1])
    return np.array([0.0 if np.ptp(run) == 0 else spearmanr(positions, run).statistic for run in table])


def mean_with_interval(runs: Float[np.ndarray, "subjects repeats"]) -> tuple[float, float, float]:
    """The mean, and its 95% interval: subjects stay, repeats are drawn within each."""
    subjects, repeats = runs.shape
    mean = runs.mean(1)
    if np.isnan(mean).any() or repeats < 2:
        return float(mean.mean()), np.nan, np.nan
    left_out = (runs.sum(1, keepdims=True) - runs) / (repeats - 1)
    return float(mean.mean()), *interval(resampled(mean, left_out, times_drawn(subjects, repeats, SEED)))


def smallest_step(
    table: Float[np.ndarray, "runs positions"], positions: Float[np.ndarray, " positions"], full: int
) -> float:
    """The smallest turn of the dial away from its full position that a metric shows in at least 95% of the runs, as it
    does every larger turn: a difference on the side that its means have. nan where even the farthest is not shown."""
    turn = np.abs(positions - positions[full])
    farthest = int(turn.argmax())
    side, step = np.sign(table[:, farthest].mean() - table[:, full].mean()), float("nan")
    for k in turn.argsort()[::-1]:
        if k == full or (side * (table[:, k] - table[:, full]) > 0).mean() < POWER:
            break
        step = float(turn[k])
    return step


def matrix(curves: pd.DataFrame, p: DialSettings) -> pd.DataFrame:
    """A row for each metric, space and dial: correlation with its interval, range (mean at the full position less mean
    at the other end), that range as a share of the range on the diversity dial that the space should see, and the
    smallest step."""
    rows = []
    for (metric, space), found in curves.groupby(["metric", "space"], sort=False):
        ranges = {}
        for dial in DIALS:
            table = found[found["dial"] == dial].pivot(index=["subject", "repeat"], columns="position", values="value")
            positions, runs = table.columns.to_numpy(float), table.to_numpy(float)
            full = int(np.flatnonzero(positions == p.full[dial])[0])
            other = 0 if full else len(positions) - 1
            ranges[dial] = runs[:, full].mean() - runs[:, other].mean()
            step = smallest_step(runs, positions, full)
            rho = mean_with_interval(rank_correlations(runs).reshape(table.index.levshape))
            rows.append((metric, space, dial, *rho, ranges[dial], step))
        own = seen(metric, space)
        scale = abs(ranges[own]) if own else max(abs(ranges["artists"]), abs(ranges["places"]))
        rows[-len(DIALS) :] = [(*row, abs(ranges[row[2]]) / scale if scale else np.nan) for row in rows[-len(DIALS) :]]
    columns = ["metric", "space", "dial", "rho", "rho_low", "rho_high", "range", "smallest_step", "share"]
    return pd.DataFrame(rows, columns=columns)


def run(p: DialSettings) -> None:
    curves = metrics_by_dial(p)
    means = curves.groupby(["metric", "space", "dial", "position"], sort=False)["value"].agg(["mean", "std"])
    for name, table in ((CURVES, means.reset_index()), (SENSITIVITY, matrix(curves, p))):
        with new_file(Path(p.results) / f"{name}.csv") as part:
            table.to_csv(part, index=False, lineterminator="\n", float_format="%.5g")


if __name__ == "__main__":
    with one_line_errors():
        (path,) = arguments(["params.yaml"])
        run(read_settings(Path(path)))
