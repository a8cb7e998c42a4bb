"""Prompts and artists: what a profile asks for, checked. Texts are data; ids are what files may be named after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.params import BadInput, require_unique
from pipeline.profile import require_id
from pipeline.sections import PromptParams
from pipeline.world.captions import parse

COLUMNS = ("prompt_id", "prompt", "split")


@dataclass(frozen=True)
class Prompt:
    """`prompt` is the text that the model sees; it is data, and any printable text will do."""

    prompt_id: str
    prompt: str
    split: str

    def by(self, artist: str) -> str:
        return f"{self.prompt}, by {artist}"

    @property
    def subject(self) -> str:
        """The painted world's subject that the prompt names, or nothing."""
        try:
            return parse(self.prompt)[0]
        except BadInput:
            return ""


def read_prompts(path: Path) -> list[Prompt]:
    """Prompts of a CSV, in its order; other columns do not matter.

    Raises BadInput for missing columns, ids that are repeated or no ids, prompts that are empty or have control
    characters, an unknown split.
    """
    if not path.is_file():
        raise BadInput(f"no prompts file at {path}")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if missing := [name for name in COLUMNS if name not in table]:
        raise BadInput(f"{path}: no column {missing[0]}; got {', '.join(table.columns)}; expected {', '.join(COLUMNS)}")
    prompts = [Prompt(*row) for row in table[list(COLUMNS)].itertuples(index=False)]
    if not prompts:
        raise BadInput(f"{path}: no prompts")
    for prompt in prompts:
        require_id(prompt.prompt_id, f"{path}: prompt_id")
        require_text(prompt.prompt, f"{path}: prompt {prompt.prompt_id}")
        if prompt.split not in ("test", "development"):
            raise BadInput(f"{path}: prompt {prompt.prompt_id}: split {prompt.split!r}; expected test or development")
    require_unique((p.prompt_id for p in prompts), f"{path}: prompt_id")
    return prompts


def require_text(text: str, where: str) -> None:
    if not text.strip() or not text.isprintable():
        raise BadInput(f"{where}: expected printable text on one line, got {text!r}")


def select(prompts: list[Prompt], p: PromptParams) -> list[Prompt]:
    """The prompts of the split, or those of `only`, in the order in which they stand."""
    known = [prompt.prompt_id for prompt in prompts]
    if unknown := [name for name in p.only or () if name not in known]:
        raise BadInput(f"prompts: only: unknown {unknown[0]!r}; expected some of {', '.join(known)}")
    chosen = [
        prompt
        for prompt in prompts
        if p.split in ("all", prompt.split) and (p.only is None or prompt.prompt_id in p.only)
    ]
    if not chosen:
        raise BadInput(f"prompts: none of split {p.split!r} among {', '.join(p.only or known)}")
    return chosen


def read_artists(path: Path) -> list[str]:
    return list(pd.read_csv(path, dtype=str, keep_default_na=False)["artist"])
