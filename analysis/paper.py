"""The paper: a typst PDF that reads its tables and numbers from the results."""

from __future__ import annotations

from pathlib import Path

import typst

from pipeline.profile import Profile

SOURCE = Path("report/report.typ")


def render(profile: Profile) -> bytes:
    """The PDF, the same bytes for the same results: no date, and only the fonts that typst carries."""
    inputs = {
        "results": f"/{profile.results}",
        "params": f"/{profile.here}params.yaml",
        "methods": f"/{profile.methods_file}",
    }
    return typst.compile(SOURCE, root=".", sys_inputs=inputs, ignore_system_fonts=True)
