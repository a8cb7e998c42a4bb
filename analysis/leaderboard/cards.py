"""`python -m analysis.leaderboard.cards` prints docs/methods.md: a card for each published method, made from data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd

from analysis.paper.printing import with_interval
from analysis.paper.web.board import ENDS, rank_of
from analysis.study.leaderboard import RESULTS
from pipeline.profile.command_line import arguments
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.core.files import read_yaml
from repulsion.core.settings import Text, settings, strict

CARDS, METHODS = Path("repulsion/data/cards.yaml"), Path("repulsion/data/methods.yaml")
PLAIN = {"gain": 0.0, "artists in a set": 1.0, "places in a set": 1.0}  # what plain sampling has, by definition
HEAD = """# The methods on the leaderboard

Published methods, repulsion among them, each as a row of `repulsion/data/methods.yaml`: formula, what it acts on,
where its defaults come from, what differs from its source, and whether it is more diverse than plain sampling on the
painted world. Gain is the mean of the shares of the gap closed in the three spaces (0: plain sampling); a method
without a rank is outside a margin of quality. Strengths were chosen on development prompts (`profiles/sweep`,
`profiles/peers_sweep`), numbers are of the U-Net on test prompts; `results/leaderboard` has all of them. This page is
made from `repulsion/data/cards.yaml` and the results: `python -m analysis.leaderboard.cards > docs/methods.md`.
"""


@settings
class Expectation:
    """A number of the board, or of sets of `particles`, that the source has above plain sampling's."""

    column: Literal["gain", "artists in a set", "places in a set"]
    particles: int | None = None

    def __post_init__(self) -> None:
        if (self.column == "gain") != (self.particles is None):
            raise BadInput(f"particles: expected a number for what is counted in a set alone, got {self.particles}")


@settings
class Card:
    """What docs/methods.md says of a method. `why`: what explains, or qualifies, what was found."""

    title: Text
    formula: Text
    acts_on: Text
    defaults: Text
    source: Text
    licence: Text
    deviations: Text
    published: Text
    expects: tuple[Expectation, ...] = ()
    why: Text | None = None


def read_cards(path: Path = CARDS) -> dict[str, Card]:
    values = read_yaml(path)
    return {name: strict(Card, card, f"{path}: {name}") for name, card in values.items()}


def measured(name: str, expects: Expectation, board: pd.DataFrame, growth: pd.DataFrame) -> tuple[float, float, float]:
    """The number that a source speaks of, and its interval."""
    rows = board[board["method"] == name]
    if expects.particles is not None:
        rows = growth[(growth["method"] == name) & (growth["particles"] == expects.particles)]
    if len(rows) != 1:
        raise BadInput(f"card {name}: expected one row of results, got {len(rows)}")
    row = rows.iloc[0]
    return tuple(float(row[f"{expects.column}{end}"]) for end in ENDS)


def shows(expects: Expectation, low: float) -> bool:
    """Whether a published direction shows: the whole interval is above plain sampling's."""
    return low > PLAIN[expects.column]


def verdict(name: str, card: Card, board: pd.DataFrame, growth: pd.DataFrame) -> str:
    """For each number that the source speaks of, whether it is above plain sampling's here."""
    said = []
    for expects in card.expects:
        number = measured(name, expects, board, growth)
        where = f" of {expects.particles} particles" if expects.particles else ""
        shown = "more" if shows(expects, number[1]) else "not more"
        value = f"{expects.column}{where} {with_interval(*number)}, plain sampling's {PLAIN[expects.column]:g}"
        said.append(f"{shown} diverse than plain sampling: {value}")
    return "; ".join([*said, *([card.why] if card.why else [])]) or "-"


def flow(value: Any) -> str:
    """A value as YAML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def card_of(name: str, card: Card, row: dict[str, Any], board: pd.DataFrame, growth: pd.DataFrame) -> str:
    found, plain = (board[board["method"] == one].iloc[0] for one in (name, "plain"))
    held = "margins hold" if found["within margins"] else "margins do not hold"
    gain = with_interval(found["gain"], found["gain low"], found["gain high"])
    passes = f"{found['denoiser passes']:g} forward, {found['backward passes']:g} backward"
    lines = {
        "formula": f"`{card.formula}`",
        "acts on": card.acts_on,
        "defaults": card.defaults,
        "source": card.source,
        "licence of the source": card.licence,
        "deviations": card.deviations,
        "passes per image": f"{passes} (plain sampling: {plain['denoiser passes']:g})",
        "measured": f"gain {gain}, rank {rank_of(found)}, {held}",
        "published": card.published,
        "here": verdict(name, card, board, growth),
    }
    table = "\n".join(f"| {title} | {text.replace('|', chr(92) + '|')} |" for title, text in lines.items())
    rows = "\n".join(f"  {part}: {flow(value)}" for part, value in row.items())
    return f"## {card.title}\n\n```yaml\n{name}:\n{rows}\n```\n\n| | |\n|---|---|\n{table}\n"


def page() -> str:
    board, growth, rows = (
        pd.read_csv(RESULTS / "leaderboard.csv"),
        pd.read_csv(RESULTS / "growth.csv"),
        read_yaml(METHODS),
    )
    board = board[board["model"] == board["model"].iloc[0]]
    return "\n".join([HEAD, *(card_of(name, card, rows[name], board, growth) for name, card in read_cards().items())])


if __name__ == "__main__":
    with one_line_errors():
        arguments([])
        print(page(), end="")
