"""STAGE prompts, after its sampling part: validates the analysis parameters before anything is sampled.

An unknown name in margins or tolerances would be overlooked later, and a floor of another size than the methods' would
make shares of the gap meaningless.
"""

from __future__ import annotations

from analysis.study.inputs import sweep_profile
from analysis.study.known_metrics import require_known_metrics
from analysis.study.settings import Study
from analysis.study.shipped import CURVES, LEAST_N, RANKING_ERRORS, SENSITIVITY
from pipeline.profile.stage import main
from repulsion.core.errors import BadInput


def require_equal_sizes(study: Study) -> None:
    """Raise BadInput unless the floor has as many images for each prompt as the methods: a Fréchet distance's bias
    depends on n."""
    floor, p = study.analysis.floor, study.sampling
    if p.images != (found := study.images_per_prompt(floor, study.artist_count)):
        raise BadInput(
            f"sampling: {p.sets_per_prompt} sets of {p.particles} are {p.images} images for each prompt, "
            f"but {floor} has {found} ({study.artist_count} artists); expected equal numbers"
        )


def require_sweep(study: Study) -> None:
    """Raise BadInput for a sweep that is no profile; a sweep is its own."""
    if study.analysis.sweep != study.profile:
        sweep_profile(study)


def require_validation(study: Study) -> None:
    """Raise BadInput where the tables of the metrics' validation are not there."""
    for name in (CURVES, SENSITIVITY, RANKING_ERRORS, LEAST_N):
        if not (path := study.validated(name)).is_file():
            raise BadInput(f"analysis: validation: {study.analysis.validation!r}: no {path}; make validate writes it")


def run(study: Study) -> None:
    require_known_metrics(study)
    require_equal_sizes(study)
    require_sweep(study)
    require_validation(study)


if __name__ == "__main__":
    main(run, kind=Study)
