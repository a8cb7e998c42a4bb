"""`python -m analysis.schema` prints the JSON Schema of a profile's params.yaml."""

from __future__ import annotations

from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from repulsion.core.errors import one_line_errors
from repulsion.core.settings import json_schema

TITLE = "A profile of Repulsion Bench"


if __name__ == "__main__":
    with one_line_errors():
        arguments([])
        print(json_schema(Study, TITLE), end="")
