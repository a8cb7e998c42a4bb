"""Speed of the metrics against their bars: Fréchet beside clean-fid's route, all metrics of the small profile, and one
prompt of the thesis's size with every particle set left out in turn.

Writes bench/results/metrics.json. The small profile's features have to be there: run make reproduce first. The last
part takes 8 GiB of memory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cleanfid.fid import frechet_distance

from analysis.metrics.frechet import frechet
from analysis.metrics.metrics import AGAINST, ALONE, PAIRED
from analysis.metrics.samples import Sample, TwoSamples
from analysis.stages import distances, tables
from analysis.study.settings import Study
from bench.timing import interleaved, median_ratio, peak_memory_gib, report, row, seconds, use_two_cores
from pipeline.profile.profile import read_profile
from repulsion.core.errors import one_line_errors

N, D, PARTICLES = 10_000, 2048, 500
SETS, PROMPTS, SPACES = 11, 6, 5  # of the thesis
RESULTS = Path(__file__).parent / "results" / "metrics.json"


def features(seed: int) -> np.ndarray:
    """As many images as the thesis's, as wide as Inception's: a power law of variances, as features have."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.1 * seed, 1, size=(N, D)) * (1 + np.arange(D)) ** -0.5


def by_clean_fid(a: np.ndarray, b: np.ndarray) -> float:
    return float(frechet_distance(a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False)))


def all_metrics(study: Study) -> None:
    """What the stages distances and tables do, the 10,000 resamples included; what they write is what is there."""
    for name in study.image_sets:
        distances.run(study, name)
    tables.run(study)


def hours_of_the_thesis() -> float:
    """All metrics of one prompt of one set, in a space and in the general one, which has more of them; as many hours as
    that takes for the thesis's sets, prompts and spaces."""
    parts = np.arange(N) // PARTICLES
    own, reference = Sample(features(0), parts), features(1)

    def against(x: np.ndarray) -> None:
        pair = TwoSamples(own, Sample.whole(x))
        for metric in AGAINST.values():
            metric(pair)

    def alone_and_against() -> None:
        for metric in ALONE.values():
            metric(own)
        against(reference)

    def more_in_general() -> None:
        against(reference)
        for metric in PAIRED.values():
            metric(TwoSamples(own, Sample(reference, parts)))

    one, more = seconds(alone_and_against), seconds(more_in_general)
    return SETS * PROMPTS * (SPACES * one + more) / 3600


def main() -> None:
    use_two_cores()
    a, b = features(0), features(1)
    works = {"ours": lambda: frechet(a, b), "clean-fid": lambda: by_clean_fid(a, b)}
    times = interleaved(works)
    faster, apart = median_ratio(times, "clean-fid", "ours"), abs(frechet(a, b) / by_clean_fid(a, b) - 1)
    study = read_profile(Path("params.yaml"), Study)
    rows = [
        row(f"Fréchet, n = {N}, d = {D}: times faster than clean-fid", faster, ">=", 8),
        row("relative difference to clean-fid's value, in millionths", 1e6 * apart, "<=", 1),
        row("seconds, all metrics and tables of the small profile", seconds(lambda: all_metrics(study)), "<=", 60),
        row(f"hours, extrapolated: all metrics at n = {N}, d = {D}, {N // PARTICLES} sets left out in turn; "
            f"{SETS} sets, {PROMPTS} prompts, {SPACES} spaces", hours_of_the_thesis(), "<=", 24),
        row("peak memory of these, GiB", peak_memory_gib(), "<=", 8),
    ]  # fmt: skip
    report(RESULTS, rows)


if __name__ == "__main__":
    with one_line_errors():
        main()
