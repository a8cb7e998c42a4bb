"""Which profiles make the leaderboard, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.settings import Names, load, settings

PARAMS, RESULTS = Path("profiles/leaderboard/params.yaml"), Path("results/leaderboard")
SUBMISSIONS = Path("submissions")


@settings
class Leaderboard:
    """Files of profiles by the model that they sample, as the table calls it: methods of one model are ranked together.
    The first profile of a model gives plain sampling, the references and the margins. `sets_of`: profiles of the same
    methods at other numbers of particles. `front`: plain sampling at all guidance scales, which the others are to
    beat; of these those in `chosen` are ranked, as no development prompt chose the others."""

    models: Annotated[dict[str, Names], Field(min_length=1)]
    sets_of: Names
    front: Names
    chosen: Names

    @property
    def unranked(self) -> set[str]:
        return set(self.front) - set(self.chosen)


def read_leaderboard(path: Path = PARAMS) -> Leaderboard:
    return load(Leaderboard, path)


def studies_of(paths: Names) -> list[Study]:
    return [read_profile(Path(path), Study) for path in paths]


def on_board(study: Study) -> bool:
    """Whether a profile is one of those whose methods are ranked."""
    return any(f"{study.here}params.yaml" in paths for paths in read_leaderboard().models.values())
