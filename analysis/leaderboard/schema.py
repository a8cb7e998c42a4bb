"""The JSON Schema of leaderboard.json: what its columns are."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis.paper.definitions import DEFINITIONS, ENDS, meaning

# What a column of words holds, or of ranks; numbers are in DEFINITIONS, and intervals follow from them.
COLUMNS = {
    "model": "the model that was sampled; methods of one model are ranked together",
    "world": "the world that the model was trained on",
    "method": "a row of a methods file, or a submission",
    "kind": "repulsion; control: pushes in another direction than apart; other: nothing repels",
    "source": "the profile that measured it, or 'submission', or 'submission, repeated'",
    "within margins": "whether the whole interval of every quality metric lies within its margin",
    "best rank": "one more than the number of methods that are ahead and told apart; null without a rank",
    "worst rank": "how many methods there are, less those that are behind and told apart",
    "tied with": "the methods that it is not told apart from (Student's t, Holm over all pairs, 5%)",
    "knows labels": "labels that a network of the method was trained with and the encoder reads",
    "shares weights": "whether a network of the method shares a tensor with the encoder",
}
LESS_PLAIN = " less plain"


def described(name: str) -> str:
    """What a column holds. KeyError for one that nobody has described."""
    if name in COLUMNS:
        return COLUMNS[name]
    for end, which in ENDS.items():
        if name.endswith(end):
            return f"{which} end of the 95% interval of '{name.removesuffix(end)}'"
    key, space = meaning(name)
    parts = [DEFINITIONS[key].text]
    parts += [f"in the {space} space"] if space else []
    parts += ["less plain sampling's, mean over prompts"] if name.endswith(LESS_PLAIN) else []
    return "; ".join(parts)


def property_of(name: str, column: pd.Series) -> dict[str, Any]:
    kind = "boolean" if column.dtype == bool else "string" if not pd.api.types.is_numeric_dtype(column) else "number"
    return {"type": kind if kind != "number" else ["number", "null"], "description": described(name)}


def board_schema(table: pd.DataFrame) -> str:
    """The schema, of the columns that the table has."""
    row = {
        "type": "object",
        "required": list(table),
        "additionalProperties": False,
        "properties": {name: property_of(name, table[name]) for name in table},
    }
    margins = {"type": "object", "additionalProperties": {"type": "number"}}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The leaderboard of Repulsion Bench",
        "type": "object",
        "required": ["version", "margins", "rows"],
        "properties": {
            "version": {"const": 1},
            "margins": {"type": "object", "description": "by model and metric", "additionalProperties": margins},
            "rows": {"type": "array", "items": row},
        },
    }
    return json.dumps(whole, indent=1) + "\n"
