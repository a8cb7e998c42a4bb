"""Which profiles are compared with each other, by what; and where their comparison is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from analysis.study.settings import Study
from repulsion.core.settings import Names, Text, load, settings

PARAMS, RESULTS = Path("profiles/carry_over/params.yaml"), Path("results/carry_over")


@settings
class CarryOver:
    """Files of the profiles by the names that tables give them, and the distance whose shares of the gap are compared,
    in which spaces."""

    profiles: Annotated[dict[str, Text], Field(min_length=2)]
    metric: Text
    spaces: Names


def read_carry_over(path: Path = PARAMS) -> CarryOver:
    return load(CarryOver, path)


def carried_over(study: Study) -> bool:
    """Whether a profile is one of those that are compared."""
    return f"{study.here}params.yaml" in read_carry_over().profiles.values()
