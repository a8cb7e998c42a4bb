"""STAGE growth, after sampling and distances at one number of particles: each method's gain, and how many different
artists one of its sets shows, of plain sampling's."""

from __future__ import annotations

import pandas as pd

from analysis.estimates import efficiency
from analysis.estimates.estimates import GAIN_METRIC, GAIN_SPACES, Estimate, gains, gap_estimates
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.stage import main
from repulsion.core.files import new_file


def relative(one: Estimate, plain: Estimate) -> Estimate:
    """A number as a multiple of plain sampling's, paired."""
    return Estimate(one.value / plain.value, one.draws / plain.draws)


def table(study: Study) -> pd.DataFrame:
    """A row for each method: particles of a set, gain, shares of the gap, different artists in one set."""
    results, n = read_results(study), study.sampling.particles
    shares = {space: gap_estimates(results, study, GAIN_METRIC, space) for space in GAIN_SPACES}
    gain = gains(shares)
    seen = {kind: efficiency.curves(study, kind) for kind in efficiency.KINDS}
    rows = []
    for name in study.methods:
        found = {"gain": gain[name]} | {f"gap {space}": by[name] for space, by in shares.items()}
        for kind, curves in seen.items():
            one, plain = (curves[method].at(n) for method in (name, study.analysis.baseline))
            found |= {f"{kind} in a set": relative(one, plain), f"{kind} counted in a set": one}
        line: dict[str, object] = {"method": name, "particles": n, "sets": study.sampling.sets_per_prompt}
        for title, one in found.items():
            low, high = one.interval
            line |= {title: one.value, f"{title} low": low, f"{title} high": high}
        rows.append(line)
    return pd.DataFrame(rows)


def run(study: Study) -> None:
    with new_file(study.results / "growth.csv") as part:
        table(study).to_csv(part, index=False, lineterminator="\n", float_format="%.6g")


if __name__ == "__main__":
    main(run, kind=Study)
