"""Strengths that one profile's sweep chose, in another's: does the relative unit travel?"""

from __future__ import annotations

from itertools import product

import pandas as pd


def transferred(rows: dict[str, pd.DataFrame], chosen: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Of each family with a strength that every sweep chose one of: the gain of each sweep's choice on each sweep's
    development prompts, and whether it holds the margins there. A row that a sweep did not run is empty. Of methods
    that repel, strengths are shares of the score's size; of guidance, scales.

    `rows` are tables of swept rows, `chosen` of chosen ones, by profile.
    """
    own = {name: table.set_index("family")["row"] for name, table in chosen.items()}
    swept = {name: table.set_index("row") for name, table in rows.items()}
    first, *others = own.values()
    strengths = pd.concat([table["strength"] for table in swept.values()]).fillna("")
    strengths = strengths[~strengths.index.duplicated()]
    families = [f for f, row in first.items() if strengths[row] and all(f in other.index for other in others)]
    lines = []
    for family, used, by in product(families, own, own):
        row = own[by][family]
        found = swept[used].loc[row] if row in swept[used].index else {}
        lines.append(
            {
                "family": family,
                "used on": used,
                "chosen on": by,
                "strength": strengths[row],
                "gain": found.get("gain", float("nan")),
                "within margins": found.get("within", "not run"),
            }
        )
    return pd.DataFrame(lines)
