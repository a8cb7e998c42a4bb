"""Prompts and artists of a profile, validated. Texts are data; ids are what files may be named after."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.profile.sections import PromptParams
from repulsion.core.errors import BadInput, require_unique
from repulsion.core.files import read_text, require_id

COLUMNS = ("prompt_id", "prompt", "split")
OPTIONAL = ("method_prompt", "subject")  # stage prompts writes them
RESERVED = ("set", "space", "mean")


@dataclass(frozen=True)
class Prompt:
    """`prompt` is data: any printable text will do. `method_prompt` is the text that methods give the model, where that
    is more than the prompt; `subject` the world's subject that the prompt names, if any."""

    prompt_id: str
    prompt: str
    split: str
    method_prompt: str = ""
    subject: str = ""

    @property
    def text(self) -> str:
        """What methods give the model."""
        return self.method_prompt or self.prompt

    def by(self, artist: str) -> str:
        return f"{self.prompt}, by {artist}"

    def by_all(self, artists: Sequence[str]) -> str:
        """The prompt by all artists at once, which the thesis gave its methods."""
        return self.by(", ".join(artists))


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV as people's programs write them: with a byte order mark or without, lines that end in any way,
    rows and columns of empty cells at the end. Raises BadInput for another encoding or syntax, columns that are missing
    or listed twice, rows of another length."""
    if not path.is_file():
        raise BadInput(f"no such file: {path}")
    try:
        rows = [row for row in csv.reader(io.StringIO(read_text(path), newline=""), strict=True) if any(row)]
    except csv.Error as error:
        raise BadInput(f"{path}: not a valid CSV: {error}") from None
    width = max((len(row) - next((k for k, cell in enumerate(reversed(row)) if cell), 0) for row in rows), default=0)
    head, rows = (rows or [[]])[0][:width], rows[1:]
    if missing := [name for name in columns if name not in head]:
        raise BadInput(f"{path}: no column {missing[0]}; got {', '.join(head)}; expected {', '.join(columns)}")
    require_unique(head, f"{path}: columns")
    if odd := [row for row in rows if len(row) < len(head) or any(row[len(head) :])]:
        raise BadInput(f"{path}: expected {len(head)} fields in a row (commas need quotes), got {odd[0]}")
    return [dict(zip(head, row, strict=False)) for row in rows]


def read_prompts(path: Path) -> list[Prompt]:
    """Prompts of a CSV, in its order; the columns `method_prompt` and `subject` are read where there are any,
    others do not matter.

    Raises BadInput for missing columns, ids that are repeated or no ids, prompts that are repeated or empty or have
    control characters, an unknown split.
    """
    rows = read_table(path, COLUMNS)
    prompts = [Prompt(**{name: row[name] for name in (*COLUMNS, *OPTIONAL) if name in row}) for row in rows]
    if not prompts:
        raise BadInput(f"{path}: no prompts")
    for prompt in prompts:
        require_id(prompt.prompt_id, f"{path}: prompt_id")
        if prompt.prompt_id in RESERVED:
            raise BadInput(f"{path}: prompt_id {prompt.prompt_id!r} is a column of the tables; expected another name")
        require_text(prompt.prompt, f"{path}: prompt {prompt.prompt_id}")
        if prompt.method_prompt:
            require_text(prompt.method_prompt, f"{path}: method_prompt {prompt.prompt_id}")
        if prompt.split not in ("test", "development"):
            raise BadInput(f"{path}: prompt {prompt.prompt_id}: split {prompt.split!r}; expected test or development")
    require_unique((p.prompt_id for p in prompts), f"{path}: prompt_id")
    texts: dict[str, str] = {}
    for prompt in prompts:
        if (other := texts.setdefault(prompt.prompt, prompt.prompt_id)) != prompt.prompt_id:
            raise BadInput(f"{path}: {other} and {prompt.prompt_id} are the same prompt {prompt.prompt!r}")
    return prompts


def require_text(text: str, where: str) -> None:
    if not text.strip() or not text.isprintable():
        raise BadInput(f"{where}: expected printable text on one line, got {text!r}")


def select(prompts: list[Prompt], p: PromptParams) -> list[Prompt]:
    """The prompts of the split, or those of `only`, in the order of the file."""
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


def named_prompts(medium: str, subjects: Sequence[str], artists: Sequence[str]) -> list[tuple[str, int]]:
    """Every subject by every artist, which the style classifier learns from: the prompt, and the artist's place in the
    list."""
    return [(f"a {medium} of a {s}, by {artist}", k) for k, artist in enumerate(artists) for s in subjects]


def read_artists(path: Path) -> list[str]:
    artists = [row["artist"] for row in read_table(path, ("artist",))]
    if not artists:
        raise BadInput(f"{path}: no artists")
    require_unique(artists, f"{path}: artist")
    return artists
