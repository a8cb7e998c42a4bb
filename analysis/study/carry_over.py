"""Which profiles are compared with each other, by what; and where their comparison is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from analysis.study.comparable import require_alike
from analysis.study.settings import Study
from repulsion.core.errors import BadInput
from repulsion.core.settings import Names, Text, load, settings

PARAMS, RESULTS = Path("profiles/carry_over/params.yaml"), Path("results/carry_over")
ACROSS_WORLDS = ("references",)  # what profiles of different worlds share


@settings
class CarryOver:
    """Files of the profiles by the names that tables give them, and the distance whose shares of the gap are compared,
    in which spaces. `sensitivity`: tables of the metrics' validation, by the name of their world."""

    profiles: Annotated[dict[str, Text], Field(min_length=2)]
    metric: Text
    spaces: Names
    sensitivity: dict[str, Text]


def read_carry_over(path: Path = PARAMS) -> CarryOver:
    return load(CarryOver, path)


def carried_over(study: Study) -> bool:
    """Whether a profile is one of those that are compared."""
    return f"{study.here}params.yaml" in read_carry_over().profiles.values()


def require_comparable(studies: Iterable[Study]) -> None:
    """Raise BadInput unless profiles of one world measure alike, and those of all worlds by the same sets."""
    studies = list(studies)
    require_alike(studies, ACROSS_WORLDS)
    for world in {study.world for study in studies}:
        require_alike([study for study in studies if study.world == world])


def common_methods(studies: dict[str, Study]) -> list[str]:
    """The methods that every profile has, but for plain sampling. Raises BadInput where profiles are not comparable."""
    require_comparable(studies.values())
    first, *others = studies.values()
    kept = [m for m in first.methods if m != first.analysis.baseline and all(m in s.methods for s in others)]
    if len(kept) < 3:
        raise BadInput(f"expected at least three methods that all profiles have, got {', '.join(kept) or 'none'}")
    return kept
