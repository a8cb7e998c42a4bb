"""The paper: a typst PDF that reads its tables and numbers from the results."""

from __future__ import annotations

from pathlib import Path

import typst

from analysis.study.settings import Study
from repulsion.core.errors import BadInput, one_line

SOURCE = Path("report/paper/paper.typ")


def inputs_of(study: Study) -> dict[str, str]:
    """What the source asks for: where results, parameters and rows are, from the repository's root."""
    return {
        "results": f"/{study.results}",
        "params": f"/{study.here}params.yaml",
        "methods": f"/{study.methods_file}",
    }


def render(study: Study) -> bytes:
    """The PDF, the same bytes for the same results: no date, and only the fonts that typst carries."""
    try:
        return typst.compile(SOURCE, root=".", sys_inputs=inputs_of(study), ignore_system_fonts=True)
    except typst.TypstError as error:  # a table, picture or number that the paper reads is missing or not as written
        raise BadInput(f"{SOURCE}: {one_line(error)}; run dvc repro again") from None
