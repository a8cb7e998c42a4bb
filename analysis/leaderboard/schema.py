"""The JSON Schema of leaderboard.json: what its columns are."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

# What a column holds; those of an interval follow from the column of the number.
COLUMNS = {
    "model": "the model that was sampled; methods of one model are ranked together",
    "method": "a row of a methods file, or a submission",
    "source": "the profile that measured it, or 'submission', or 'submission, repeated'",
    "within margins": "whether the whole interval of every quality metric lies within its margin",
    "best rank": "one more than the number of methods that are ahead and told apart; null without a rank",
    "worst rank": "how many methods there are, less those that are behind and told apart",
    "tied with": "the methods that it is not told apart from (Student's t, Holm over all pairs, 5%)",
    "gain": "share of the gap between plain sampling and the reference closed, mean of the three spaces",
    "gap general": "share of the gap closed in the general space, unbiased squared MMD",
    "gap location": "the same in the location space",
    "gap style": "the same in the style space",
    "effective_artists": "how many artists there are, each counted by its share",
    "place_spread": "root mean square deviation of the subject's place, in shares of the image's side",
    "images for plain's artists": "images that show as many artists as all of plain sampling's do",
    "margin used": "of the quality that suffers most: 0 is plain sampling's, 1 is the margin",
    "denoiser passes": "latents through the denoiser for one image, forwards",
    "backward passes": "the same, backwards; passes of a decoder or an encoder are not counted",
    "passes with backward": "both together, as a multiple of plain sampling's",
    "seconds_per_image": "measured once, by make bench, on the machine that bench/results/cost.json names",
    "time_of_plain": "the same as a multiple of plain sampling's, in one run",
    "peak_gib": "peak memory of a process of its own",
    "knows labels": "labels that a network of the method was trained with and the encoder reads",
    "shares weights": "whether a network of the method shares a tensor with the encoder",
}
LESS_PLAIN, ENDS = " less plain", {" low": "lower", " high": "upper"}


def described(name: str) -> str:
    """What a column holds. KeyError for one that nobody has described."""
    for end, which in ENDS.items():
        if name.endswith(end):
            return f"{which} end of the 95% interval of '{name.removesuffix(end)}'"
    if name.endswith(LESS_PLAIN):
        return f"{name.removesuffix(LESS_PLAIN)} less plain sampling's, mean over prompts"
    return COLUMNS[name]


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
