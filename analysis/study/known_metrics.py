"""What `analysis.margins` and `analysis.check` may name: metrics that the profile's encoder gives."""

from __future__ import annotations

from analysis.metrics.metrics import AGAINST, ALONE, PAIRED, READINGS
from analysis.study.settings import Study
from pipeline.sets.feature_sets import READS
from repulsion.core.errors import BadInput, require_one_of

SHARES_OF_IMAGES = ("subject_accuracy",)


def require_known_metrics(study: Study) -> None:
    """Raise BadInput for a name in `analysis.margins` or `analysis.check` that is no such metric, or one that the
    profile's encoder does not read: such a margin would hold always, such a tolerance would be overlooked."""
    read = [name for r in READS[study.encoder.name] for name in READINGS[r]]
    for name in study.analysis.margins:
        require_one_of(name, (*AGAINST, *read), "metric of analysis.margins:")
    if "subject_accuracy" in read and "subject_accuracy" not in study.analysis.margins:
        raise BadInput("analysis.margins: missing key 'subject_accuracy', which the findings are judged by")
    for name in study.analysis.check:
        require_one_of(name, (*AGAINST, *ALONE, *PAIRED, *read), "metric of analysis.check:")
        if study.analysis.check[name].images:
            require_one_of(name, SHARES_OF_IMAGES, "share of images, for a tolerance in images (analysis.check):")
