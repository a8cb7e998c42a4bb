"""List the methods: a line for each, with its name and what it does; or print the JSON Schema of a file of methods."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from repulsion.core.settings import json_schema

# Parts of a row, in the order in which they are said.
BEFORE_REPULSION = (
    *("protect", "couple", "contrast", "correct", "drive", "rescale"),
    *("guidance", "anneal", "prompt_noise", "spread", "select"),
)


def run(args: argparse.Namespace) -> None:
    from repulsion.sampling.methods import METHODS_FILE, Method, load_methods  # torch: seconds, not for --help

    if args.schema:
        print(json_schema(dict[str, Method], "Methods of repulsion, as rows"), end="")
        return
    methods = load_methods(args.file or METHODS_FILE)
    width = max(map(len, methods))
    for name, method in methods.items():
        print(f"{name:<{width}}  {described(asdict(method))}")


def described(row: dict[str, Any]) -> str:
    """A row of methods in one line."""
    parts = [row["predict"]]
    for name in BEFORE_REPULSION:
        if row[name] is not None:
            said = words(row[name])
            parts.append(f"{name} ({said})" if said else name)
    for cell in row["repel"] or ():
        strength = f"{cell['strength']['kind']} {cell['strength']['value']:g}"
        control = "" if cell["direction"] == "apart" else f" ({cell['direction']})"
        levels = words({key: cell[key] for key in ("sigma_min", "sigma_max")})
        place = f"by {cell['energy']} in {cell['space']} of {cell['input']}"
        rule = f"bandwidth {cell['h']:g}" if cell["h"] else f"{cell['bandwidth']} bandwidth"
        text = f"repel{control} {place}, strength {strength}, {rule}"
        flags = [name for name in ("unit", "protected") if cell[name]]
        parts.append(", ".join([text, *([levels] if levels else []), *flags]))
    return "; ".join(parts)


def words(part: dict[str, Any]) -> str:
    """What a part says, less what is as it is by default."""
    said = {k: f"{v:g}" if isinstance(v, float) else v for k, v in part.items() if v is not None}
    default = {("sigma_min", "0"), ("parallel", "1")}
    return ", ".join(f"{name} {value}" for name, value in said.items() if (name, value) not in default)
