"""Rejects unknown metric names in margins and tolerances before sampling starts: they would be overlooked after it."""

from __future__ import annotations

from analysis.metrics import AGAINST, ALONE, PAIRED, READINGS
from analysis.settings import Study
from pipeline.params import require_one_of
from pipeline.stage import main

OF_READINGS = tuple(name for metrics in READINGS.values() for name in metrics)
WITH_MARGIN = (*AGAINST, *OF_READINGS)  # metrics of quality: to the realism set, or read
SHARES_OF_IMAGES = ("subject_accuracy",)
WITH_TOLERANCE = (*AGAINST, *ALONE, *PAIRED, *OF_READINGS)


def require_known_metrics(study: Study) -> None:
    """Raise BadInput for a name in `analysis.margins` or `analysis.check` that is no such metric: a margin with a
    typing error would hold always, a tolerance with one would be overlooked."""
    for name in study.analysis.margins:
        require_one_of(name, WITH_MARGIN, "metric of analysis.margins:")
    for name in study.analysis.check:
        require_one_of(name, WITH_TOLERANCE, "metric of analysis.check:")
        if study.analysis.check[name].images:
            require_one_of(name, SHARES_OF_IMAGES, "share of images, for a tolerance in images (analysis.check):")


if __name__ == "__main__":
    main(require_known_metrics, kind=Study)
