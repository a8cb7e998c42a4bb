"""STAGE prompts: whether this profile can run here at all, and which prompts and artists it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.checks import require_ready
from pipeline.encoders import ENCODERS
from pipeline.levels import SCHEDULES
from pipeline.methods import load_methods
from pipeline.params import BadInput, new_file, require_one_of
from pipeline.profile import Profile
from pipeline.prompts import Prompt, read_prompts, require_text, select
from pipeline.reference import REFERENCES, rendered
from pipeline.stage import main
from pipeline.world.artists import ARTIST_NAMES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(model: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer  # seconds, which the checks before this one should not cost
    from transformers.utils import logging

    logging.set_verbosity_error()  # of texts that are too long; here they are an error, or meant to be cut
    return AutoTokenizer.from_pretrained(model / "tokenizer")


def require_readable(model: Path, prompts: list[Prompt], artists: Sequence[str]) -> None:
    """Raise BadInput for a text that the model's tokenizer cuts, or in which it does not know a word: the model would
    see another prompt than the one asked for."""
    tokenizer = load_tokenizer(model)
    unknown = tokenizer.unk_token_id
    if unknown == tokenizer.eos_token_id:  # CLIP's own: bytes spell any word
        unknown = None
    for text in (p.by(artist) for p in prompts for artist in artists):
        ids = tokenizer(text).input_ids
        if unknown in ids:
            word = next(w for w in text.split() if unknown in tokenizer(w).input_ids)
            known = ", ".join(sorted(w for w in tokenizer.get_vocab() if w.isalpha()))
            raise BadInput(f"prompt {text!r}: the model does not know {word!r}; it knows {known}")
        if len(ids) > tokenizer.model_max_length:
            raise BadInput(f"prompt {text!r}: {len(ids)} tokens; the model sees {tokenizer.model_max_length}")


def seen(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """What the model sees of a text: all of it, or what is left where it is cut, in the tokenizer's spelling."""
    ids = tokenizer(text, truncation=True, max_length=tokenizer.model_max_length).input_ids
    if len(tokenizer(text).input_ids) == len(ids):
        return text
    return tokenizer.decode(ids, skip_special_tokens=True).strip()


def table_of(profile: Profile, prompts: list[Prompt], artists: Sequence[str]) -> pd.DataFrame:
    """A row for each prompt: what methods ask the model for and what it sees of that, and its subject, if any."""
    if profile.prompts.every_artist:
        prompts = [replace(p, asked=p.by_all(artists)) for p in prompts]
    tokenizer = load_tokenizer(Path(profile.model))
    rows = [{**asdict(p), "asked": p.text, "seen": seen(p.text, tokenizer), "subject": p.subject} for p in prompts]
    return pd.DataFrame(rows)


def require_references(profile: Profile, prompts: list[Prompt]) -> None:
    """Raise BadInput for a kind of reference that does not exist, or prompts that the painted world cannot paint."""
    for name in profile.references:
        kind = profile.reference_sets[name].kind
        require_one_of(kind, REFERENCES, f"kind of reference {name}:")
        if REFERENCES[kind] is rendered and (odd := [p.prompt_id for p in prompts if not p.subject]):
            raise BadInput(f"reference {name}: prompt {odd[0]} is none of the painted world's, which it is to render")


def run(profile: Profile) -> None:
    require_one_of(profile.encoder.name, ENCODERS, "encoder")
    require_one_of(profile.sampling.schedule, SCHEDULES, "schedule")
    methods = load_methods(Path(profile.methods_file), profile.sampling.levels)
    for name in profile.methods:
        require_one_of(name, methods, "method")
    require_ready(profile)
    prompts = select(read_prompts(Path(profile.prompts.source)), profile.prompts)
    artists = profile.prompts.artists or ARTIST_NAMES
    for artist in artists:
        require_text(artist, "artists")
    require_references(profile, prompts)
    require_readable(Path(profile.model), prompts, artists)
    for path, table in (
        (profile.prompts_file, table_of(profile, prompts, artists)),
        (profile.artists_file, pd.DataFrame({"artist": artists})),
    ):
        with new_file(path) as part:
            table.to_csv(part, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(run)
