"""STAGE prompts: whether this profile can run here at all, and which prompts and artists it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.devices import require_device
from pipeline.encoders import fetch
from pipeline.methods import load_methods
from pipeline.model import check_folder
from pipeline.params import BadInput, new_file, require_one_of
from pipeline.profile import Profile
from pipeline.prompts import Prompt, read_prompts, require_text, select
from pipeline.stage import main
from pipeline.world.artists import ARTIST_NAMES


def require_known_words(model: Path, prompts: list[Prompt], artists: Sequence[str]) -> None:
    """Raise BadInput for a text with words that the model's tokenizer maps to "unknown": the model would see another
    prompt than the one asked for."""
    from transformers import AutoTokenizer  # seconds, which the checks before this one should not cost

    tokenizer = AutoTokenizer.from_pretrained(model / "tokenizer")
    unknown = tokenizer.unk_token_id
    if unknown is None or unknown == tokenizer.eos_token_id:  # CLIP's own tokenizer: bytes spell any word
        return
    for text in (p.by(artist) for p in prompts for artist in artists):
        if words := [w for w in text.split() if unknown in tokenizer(w).input_ids]:
            known = ", ".join(sorted(w for w in tokenizer.get_vocab() if w.isalpha()))
            raise BadInput(f"prompt {text!r}: the model does not know {words[0]!r}; it knows {known}")


def run(profile: Profile) -> None:
    require_device(profile.device)
    check_folder(Path(profile.model))
    methods = load_methods(Path(profile.methods_file), profile.sampling.levels)
    for name in profile.methods:
        require_one_of(name, methods, "method")
    fetch(profile.encoder.name, Path(profile.encoder.weights))
    prompts = select(read_prompts(Path(profile.prompts.source)), profile.prompts)
    artists = profile.prompts.artists or ARTIST_NAMES
    for artist in artists:
        require_text(artist, "artists")
    require_known_words(Path(profile.model), prompts, artists)
    for path, table in (
        (profile.prompts_file, pd.DataFrame(prompts).assign(subject=[p.subject for p in prompts])),
        (profile.artists_file, pd.DataFrame({"artist": artists})),
    ):
        with new_file(path) as part:
            table.to_csv(part, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(run)
