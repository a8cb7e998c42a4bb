"""STAGE prompts: whether this profile can run here at all, and which prompts and artists it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.devices import require_device
from pipeline.encoders import fetch
from pipeline.levels import SCHEDULES
from pipeline.methods import load_methods
from pipeline.model import check_folder
from pipeline.params import BadInput, new_file, require_one_of
from pipeline.profile import Profile
from pipeline.prompts import Prompt, read_prompts, require_text, select
from pipeline.reference import REFERENCES, rendered
from pipeline.stage import main
from pipeline.world.artists import ARTIST_NAMES


def require_readable(model: Path, prompts: list[Prompt], artists: Sequence[str]) -> None:
    """Raise BadInput for a text that the model's tokenizer cuts, or in which it does not know a word: the model would
    see another prompt than the one asked for."""
    from transformers import AutoTokenizer  # seconds, which the checks before this one should not cost
    from transformers.utils import logging

    logging.set_verbosity_error()  # of texts that are too long; here they are an error
    tokenizer = AutoTokenizer.from_pretrained(model / "tokenizer")
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


def require_references(profile: Profile, prompts: list[Prompt]) -> None:
    """Raise BadInput for a kind of reference that does not exist, or prompts that the painted world cannot paint."""
    for name in profile.references:
        kind = profile.reference_sets[name].kind
        require_one_of(kind, REFERENCES, f"kind of reference {name}:")
        if REFERENCES[kind] is rendered and (odd := [p.prompt_id for p in prompts if not p.subject]):
            raise BadInput(f"reference {name}: prompt {odd[0]} is none of the painted world's, which it is to render")


def run(profile: Profile) -> None:
    require_device(profile.device)
    require_one_of(profile.sampling.schedule, SCHEDULES, "schedule")
    check_folder(Path(profile.model))
    methods = load_methods(Path(profile.methods_file), profile.sampling.levels)
    for name in profile.methods:
        require_one_of(name, methods, "method")
    fetch(profile.encoder.name, Path(profile.encoder.weights))
    prompts = select(read_prompts(Path(profile.prompts.source)), profile.prompts)
    artists = profile.prompts.artists or ARTIST_NAMES
    for artist in artists:
        require_text(artist, "artists")
    require_references(profile, prompts)
    require_readable(Path(profile.model), prompts, artists)
    for path, table in (
        (profile.prompts_file, pd.DataFrame(prompts).assign(subject=[p.subject for p in prompts])),
        (profile.artists_file, pd.DataFrame({"artist": artists})),
    ):
        with new_file(path) as part:
            table.to_csv(part, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(run)
