"""How figures look: theme, colours, sizes, files that do not change from run to run."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import seaborn as sns

from repulsion.core.files import new_file

WIDTH = 7.2  # inches: the report's text
DPI = 160


def theme() -> None:
    sns.set_theme(style="whitegrid", context="paper", font="DejaVu Sans")
    # text in the PDFs stays text, and ids in them do not depend on the run
    matplotlib.rcParams.update({"svg.hashsalt": "repulsion-bench", "pdf.fonttype": 42})


def colours(names: list[str], baseline: str) -> dict[str, tuple]:
    """One colour for each set, the baseline grey."""
    palette = iter(sns.color_palette("husl", max(len(names) - 1, 1)))
    return {name: (0.45, 0.45, 0.45) if name == baseline else next(palette) for name in names}


def save(figure: plt.Figure, path: Path) -> None:
    """As PNG and PDF; without these two metadata the files carry the time of drawing."""
    for suffix, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None})):
        with new_file(path.with_suffix(suffix)) as part:
            figure.savefig(part, format=suffix[1:], dpi=DPI, metadata=metadata)
    plt.close(figure)
