"""Speed of the metrics against their bars: Fréchet beside clean-fid's route, and all metrics of the small profile.

Writes bench/results/metrics.json. The second number needs the small profile's features: run make reproduce first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cleanfid.fid import frechet_distance

from analysis import distances, tables
from analysis.frechet import frechet
from analysis.settings import Study
from bench.timing import interleaved, median_ratio, report, row, seconds, use_two_cores
from pipeline.params import one_line_errors
from pipeline.profile import read_profile

N, D, REPEATS = 10_000, 2048, 3
RESULTS = Path(__file__).parent / "results" / "metrics.json"


def features(seed: int) -> np.ndarray:
    """As many images as the thesis's, as wide as Inception's: a power law of variances, as features have."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.1 * seed, 1, size=(N, D)) * (1 + np.arange(D)) ** -0.5


def by_clean_fid(a: np.ndarray, b: np.ndarray) -> float:
    return float(frechet_distance(a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False)))


def all_metrics(study: Study) -> None:
    """What the stages distances and tables do, the 10,000 resamples included; what they write is what is there."""
    for name in study.sets:
        distances.run(study, name)
    tables.run(study)


def main() -> None:
    use_two_cores()
    a, b = features(0), features(1)
    works = {"ours": lambda: frechet(a, b), "clean-fid": lambda: by_clean_fid(a, b)}
    times = interleaved(works, REPEATS)
    faster, apart = median_ratio(times, "clean-fid", "ours"), abs(frechet(a, b) / by_clean_fid(a, b) - 1)
    study = read_profile(Path("params.yaml"), Study)
    rows = [
        row(f"Fréchet, n = {N}, d = {D}: times faster than clean-fid", faster, ">=", 8),
        row("relative difference to clean-fid's value, in millionths", 1e6 * apart, "<=", 1),
        row("seconds, all metrics and tables of the small profile", seconds(lambda: all_metrics(study)), "<=", 60),
    ]
    report(RESULTS, rows)


if __name__ == "__main__":
    with one_line_errors():
        main()
