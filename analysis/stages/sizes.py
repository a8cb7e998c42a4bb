"""STAGE sizes: from how many images on a metric ranks a less diverse set behind a diverse one, and its bias below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.metrics.dialled import Vectors, read_sets, values
from analysis.study.shipped import LEAST_N, RANKING_ERRORS
from pipeline.profile.command_line import arguments
from pipeline.profile.dial_settings import DialSettings, features_path, read_settings
from pipeline.world.worlds import WORLDS
from repulsion.core.errors import one_line_errors
from repulsion.core.files import new_file

FACTORS = ("artists", "places")
ALLOWED = 0.05  # share of wrong rankings
# Which way a metric goes for a more diverse set. Precision and density say nothing of diversity.
MORE_DIVERSE = {
    "frechet": -1,
    "mmd": -1,
    "kid": -1,
    "recall": 1,
    "coverage": 1,
    "mean_similarity": -1,
    "rke": 1,
    "vendi": 1,
    "effective_artists": 1,
    "place_spread": 1,
    "place_coverage": 1,
}


def part(vectors: Vectors, start: int, n: int) -> Vectors:
    """n images from `start` on, in every space; the render error, which is of few images, is left out."""
    return {space: rows[start : start + n] for space, rows in vectors.items() if space != "render_error"}


def metrics_by_size(p: DialSettings) -> pd.DataFrame:
    """Every metric of disjoint parts of each pool: subject, n, repeat, set, metric, space, value."""
    rows, s = [], p.sizes
    with tqdm(total=len(s.subjects) * len(s.n), desc="sizes") as bar:
        for subject in s.subjects:
            sets = read_sets(features_path(p, "sizes", subject), "sizes", p)
            for n in s.n:
                for repeat in range(min(s.repeats, s.n[-1] // n)):
                    for name in ("full", *FACTORS):
                        own = part(sets[name], repeat * n, n)
                        found = values(own, sets["reference"], WORLDS[p.world].subjects.index(subject), spaces=())
                        rows += [(subject, n, repeat, name, *key, value) for key, value in found.items()]
                bar.update()
    table = pd.DataFrame(rows, columns=["subject", "n", "repeat", "set", "metric", "space", "value"])
    return table[table["metric"].isin(list(MORE_DIVERSE))]


def ranking_errors(table: pd.DataFrame) -> pd.DataFrame:
    """For each metric, space, factor and n: the share of pairs (full, less diverse) that are ranked wrongly (a tie is
    wrong; without a value nothing is ranked), of how many; the mean of the full sets; and the bias, that mean less the
    one at the largest n."""
    wide = table.pivot(index=["metric", "space", "n", "subject", "repeat"], columns="set", values="value").reset_index()
    rows = []
    for (metric, space), found in wide.groupby(["metric", "space"], sort=False):
        last = found.loc[found["n"] == found["n"].max(), "full"].mean()
        for n, some in found.groupby("n"):
            for factor in FACTORS:
                better = MORE_DIVERSE[metric] * (some["full"] - some[factor]) > 0
                error = np.nan if some["full"].isna().any() else 1 - better.mean()
                mean = some["full"].mean()
                rows.append((metric, space, factor, n, error, len(some), mean, mean - last))
    columns = ["metric", "space", "factor", "n", "error", "pairs", "mean", "bias"]
    return pd.DataFrame(rows, columns=columns)


def least_n(errors: pd.DataFrame, encoder: str) -> pd.DataFrame:
    """The n from which on, at that n and every larger one, at most 5% of the rankings are wrong; empty where there is
    none."""
    rows = []
    for (metric, space, factor), found in errors.groupby(["metric", "space", "factor"], sort=False):
        found = found.sort_values("n", ascending=False)
        right = (found["error"] <= ALLOWED).cumprod().astype(bool)
        rows.append((encoder, metric, space, factor, found.loc[right, "n"].min()))
    return pd.DataFrame(rows, columns=["encoder", "metric", "space", "factor", "n"])


def run(p: DialSettings) -> None:
    errors = ranking_errors(metrics_by_size(p))
    for name, table in ((RANKING_ERRORS, errors), (LEAST_N, least_n(errors, p.encoder))):
        with new_file(Path(p.results) / f"{name}.csv") as one:
            table.to_csv(one, index=False, lineterminator="\n", float_format="%.5g")


if __name__ == "__main__":
    with one_line_errors():
        (path,) = arguments(["params.yaml"])
        run(read_settings(Path(path)))
