"""STAGE prompts: validates everything that a profile names, before anything is sampled, and writes its prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from pipeline.encoders.encoders import ENCODERS, load_encoder
from pipeline.machine.downloads import require_encoder_weights, require_model
from pipeline.profile.executor import works_here
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import Prompt, named_prompts, read_prompts, require_text, select
from pipeline.profile.stage import main
from pipeline.sets.feature_sets import READERS
from pipeline.world.captions import parse
from pipeline.world.worlds import World, medium_of, world_of
from repulsion.core.errors import BadInput, require_one_of
from repulsion.core.files import new_file, read_json
from repulsion.diffusion.configurations import image_size
from repulsion.diffusion.families.registry import family_of_folder
from repulsion.diffusion.levels import SCHEDULES
from repulsion.diffusion.model import load_part, load_tokenizers
from repulsion.diffusion.model_folder import config_path, layout_of
from repulsion.forces.style_classifier import CHANNELS, StyleClassifier
from repulsion.sampling.methods import Method, load_methods
from repulsion.tensors.devices import require_device

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def require_readable(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> None:
    """Raise BadInput for a text that the model's tokenizer cuts, or in which it does not know a word: the model would
    see another prompt than the one it is given."""
    unknown = tokenizer.unk_token_id
    if unknown == tokenizer.eos_token_id:  # CLIP's own: bytes spell any word
        unknown = None
    for text in texts:
        ids = tokenizer(text).input_ids
        if unknown in ids:
            word = next((w for w in text.split() if unknown in tokenizer(w).input_ids), text).strip(",")
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


def table_of(
    profile: Profile, prompts: list[Prompt], artists: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> pd.DataFrame:
    """A row for each prompt: the text that methods give the model, what it sees of that, and its subject, if any."""
    rows = []
    for p in prompts:
        text = p.by_all(artists) if profile.prompts.every_artist else p.prompt
        rows.append((p.prompt_id, p.prompt, p.split, text, seen(text, tokenizer), p.subject))
    return pd.DataFrame(rows, columns=["prompt_id", "prompt", "split", "method_prompt", "seen", "subject"])


def with_subject(world: World | None, prompt: Prompt) -> Prompt:
    """The prompt with the world's subject that it names, if any."""
    try:
        subject = parse(world, prompt.prompt)[0] if world else ""
    except BadInput:
        subject = ""
    return replace(prompt, method_prompt="", subject=subject)


def require_reader(profile: Profile) -> None:
    """Raise BadInput for an encoder that reads another world than the profile's."""
    name = profile.encoder.name
    if (world := READERS.get(name, profile.world)) != profile.world:
        raise BadInput(f"encoder {name}: reads the {world} world; the profile's world is {profile.world}")


def require_references(profile: Profile, world: World | None, prompts: list[Prompt], artists: Sequence[str]) -> None:
    """Raise BadInput for a reference that the profile's world cannot render."""
    for name in profile.references:
        if profile.reference_sets[name].kind != "rendered":
            continue
        if world is None:
            raise BadInput(f"reference {name}: rendered by a world, and the profile's world is null")
        if odd := [p.prompt_id for p in prompts if not p.subject]:
            raise BadInput(
                f"reference {name}: prompt {odd[0]} is none of the {world.name} world's, which it is to render"
            )
        for artist in artists:
            require_one_of(artist, world.artists, f"artist of reference {name}:")


def require_levels(profile: Profile, rows: dict[str, Method]) -> None:
    """Raise BadInput for a scheduler that cannot be sampled with, or a method with a part that would never act at this
    profile's noise levels."""
    p = profile.sampling
    family = family_of_folder(Path(profile.model))
    sigmas = family.sigmas(p.schedule, p.levels, (None, None))[:-1].tolist()
    for name in profile.methods:
        try:
            rows[name].require_levels(sigmas)
        except BadInput as error:
            raise BadInput(f"{profile.methods_file}: {name}: {error}") from None


def require_classifier(profile: Profile, artists: Sequence[str]) -> None:
    """Raise BadInput for a style classifier that cannot be built for this model's latents."""
    p, model = profile.style_classifier, Path(profile.model)
    channels, height, width = family_of_folder(model).latent_shape((None, None))
    if channels != CHANNELS or height != width:
        raise BadInput(
            f"style_classifier: expected square latents of {CHANNELS} channels, got {height}x{width} of {channels}"
        )
    with torch.device("meta"):
        StyleClassifier(tuple(artists), height, p.width, p.features)


def require_networks(model: Path) -> None:
    """Raise BadInput for networks that cannot be loaded, or whose weights are not finite. One after the other, on the
    CPU: a later stage would notice only after others have sampled."""
    for part in layout_of(model).networks:
        for name, tensor in load_part(model, part, torch.float32).state_dict().items():
            if not torch.isfinite(tensor).all():
                raise BadInput(f"model {model}: part {part!r}: tensor {name} has values that are not finite")


def require_encoder(profile: Profile) -> None:
    """Raise BadInput for an encoder that cannot be loaded, does not take this model's images, or gives vectors that are
    not finite."""
    p, model = profile.encoder, Path(profile.model)
    parts = (layout_of(model).denoiser, "vae")
    size = image_size(*(read_json(config_path(model, part)) for part in parts))
    blank = np.zeros((1, *size, 3), np.uint8)
    for space, vectors in load_encoder(p, "cpu").encode(blank).items():
        if not torch.isfinite(vectors).all():
            raise BadInput(f"encoder {p.name}: {p.weights}: {space} of a blank image is not finite")


def run(profile: Profile) -> None:
    """Validate everything that a later stage would refuse, and write the prompts and artists."""
    require_one_of(profile.encoder.name, ENCODERS, "encoder")
    require_one_of(profile.sampling.schedule, SCHEDULES, "schedule")
    rows = load_methods(Path(profile.methods_file))
    for name in profile.methods:
        require_one_of(name, rows, "method")
    if works_here(profile):
        require_device(profile.device)
    world = world_of(profile.world)
    require_reader(profile)
    model, subjects = Path(profile.model), profile.style_classifier.subjects
    require_model(profile)
    require_encoder_weights(profile)
    prompts = [with_subject(world, p) for p in select(read_prompts(Path(profile.prompts.source)), profile.prompts)]
    artists = profile.prompts.artists or world.artists
    for where, texts in (("artists", artists), ("style_classifier: subjects", subjects)):
        for text in texts:
            require_text(text, where)
    require_references(profile, world, prompts, artists)
    tokenizers = load_tokenizers(model)
    for tokenizer in tokenizers:
        require_readable(tokenizer, (p.by(artist) for p in prompts for artist in artists))
        require_readable(tokenizer, (text for text, _ in named_prompts(medium_of(profile.world), subjects, artists)))
    require_levels(profile, rows)
    require_classifier(profile, artists)
    require_networks(model)
    require_encoder(profile)
    for path, table in (
        (profile.prompts_file, table_of(profile, prompts, artists, tokenizers[0])),
        (profile.artists_file, pd.DataFrame({"artist": artists})),
    ):
        with new_file(path) as part:
            table.to_csv(part, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(run)
