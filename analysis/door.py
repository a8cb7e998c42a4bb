"""The door of the analysis: it stops at parameters that would fail, or be overlooked, after everything was sampled."""

from __future__ import annotations

from analysis.metrics import AGAINST, ALONE, PAIRED, READINGS
from analysis.settings import Study
from pipeline.params import require_one_of
from pipeline.stage import main

OF_READINGS = tuple(name for metrics in READINGS.values() for name in metrics)
WITH_MARGIN = (*AGAINST, *OF_READINGS)  # metrics of quality: to the realism set, or read
WITH_TOLERANCE = (*AGAINST, *ALONE, *PAIRED, *OF_READINGS)


def require_known_metrics(study: Study) -> None:
    """Raise BadInput for a name in `analysis.margins` or `analysis.check` that is no such metric: a margin with a
    typing error would hold always, a tolerance with one would be overlooked."""
    for name in study.analysis.margins:
        require_one_of(name, WITH_MARGIN, "metric of analysis.margins:")
    for name in study.analysis.check:
        require_one_of(name, WITH_TOLERANCE, "metric of analysis.check:")


if __name__ == "__main__":
    main(require_known_metrics, kind=Study)
