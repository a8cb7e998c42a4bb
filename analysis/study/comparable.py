"""Whether profiles may be compared with each other; and two runs of one: what moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.study.settings import Study
from repulsion.core.errors import BadInput

MEASURED_ALIKE = ("sampling", "prompts", "encoder", "references", "reference_sets")
KEYS = ["set", "prompt_id", "metric", "space", "against"]  # of a result
ROUNDING = 1e-7
PARTS = ("reference", "floor", "baseline", "realism")  # of the analysis


def require_alike(studies: Iterable[Study], parts: Sequence[str] = MEASURED_ALIKE) -> None:
    """Raise BadInput unless these parts of the profiles are equal, and the sets that play a part in their analysis."""
    first, *others = studies
    for study in others:
        for part in parts:
            if getattr(study, part) != getattr(first, part):
                raise BadInput(f"profile {study.profile}: {part}: expected what profile {first.profile} has")
        for part in PARTS:
            if (found := getattr(study.analysis, part)) != (expected := getattr(first.analysis, part)):
                raise BadInput(f"profile {study.profile}: {part}: expected {expected!r}, got {found!r}")


def compare(found: pd.DataFrame, expected: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Every row of both tables: values, difference, the tolerance of its metric, and whether it is within; a row that
    only one of the tables has is not. `found` has the number n of images behind each value."""
    table = expected.merge(
        found[[*KEYS, "n", "value"]], how="outer", on=KEYS, suffixes=("_expected", "_found"), indicator=True
    )
    tolerance = pd.DataFrame({metric: vars(one) for metric, one in study.analysis.check.items()}, dtype=float)
    relative, absolute, images = (table["metric"].map(tolerance.loc[p]) for p in ("relative", "absolute", "images"))
    table["difference"] = table["value_found"] - table["value_expected"]
    # in doubles 1 - 0.95 is more than 0.05, and results carry eight digits
    rounding = ROUNDING * table[["value_expected", "value_found"]].abs().max(axis=1)
    table["tolerance"] = absolute + relative * table["value_expected"].abs() + images / table["n"] + rounding
    nothing = table["value_found"].isna() & table["value_expected"].isna() & (table["_merge"] == "both")
    table["within"] = (table["difference"].abs() <= table["tolerance"]) | nothing
    return table
