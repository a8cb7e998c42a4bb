"""A model in diffusers' folder format, validated by its small files before any weights are read: Stable Diffusion 1, 2
and 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repulsion.core.errors import BadInput
from repulsion.core.files import read_json
from repulsion.diffusion.configurations import REQUIRED, image_factor, latent_shape


@dataclass(frozen=True)
class Layout:
    """A pipeline's folder: the part that denoises, the class of each network, and the tokenizers. `optional`: parts
    that the folder's index may have as null; `unused`: those that are not loaded."""

    denoiser: str
    networks: Mapping[str, str]
    tokenizers: tuple[str, ...]
    unused: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        return (*self.networks, "scheduler", *self.tokenizers)


LAYOUTS = {
    "StableDiffusionPipeline": Layout(
        "unet",
        {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL", "text_encoder": "CLIPTextModel"},
        ("tokenizer",),
        ("safety_checker", "feature_extractor"),
    ),
    "StableDiffusion3Pipeline": Layout(
        "transformer",
        {
            "transformer": "SD3Transformer2DModel",
            "vae": "AutoencoderKL",
            "text_encoder": "CLIPTextModelWithProjection",
            "text_encoder_2": "CLIPTextModelWithProjection",
            "text_encoder_3": "T5EncoderModel",
        },
        ("tokenizer", "tokenizer_2", "tokenizer_3"),
        ("feature_extractor", "image_encoder"),
        ("text_encoder_3", "tokenizer_3"),
    ),
}
VOCABULARIES = ({"tokenizer.json"}, {"vocab.json", "merges.txt"})
# How many tokens of T5, or of zeros in its place, a prompt has where the pipeline's call names no max_sequence_length.
T5_TOKENS, MOST_T5_TOKENS = 256, 512
# The key of an index, and of a pipeline's configuration, that names another number. It is this project's own: diffusers
# passes over keys that begin so.
PADDING = "_max_sequence_length"


@dataclass(frozen=True)
class WeightFiles:
    """Where a network's weights are: one file, or the shards of an index. `variant` is a part of their name: fp16 in
    model.fp16.safetensors."""

    variant: str | None
    files: tuple[Path, ...]


def stem(part: str) -> str:
    """The name of a network's weights, before `.safetensors`."""
    return "model" if part.startswith("text_encoder") else "diffusion_pytorch_model"


def config_path(folder: Path, part: str) -> Path:
    names = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
    return folder / part / names.get(part.split("_")[0], "config.json")


def pipeline_name(folder: Path) -> str:
    """The class of the pipeline that a folder is of. Raises BadInput for one that is not supported."""
    if not (folder / "model_index.json").is_file():
        raise BadInput(f"model {folder}: no model_index.json; expected a folder in diffusers' format")
    name = read_json(folder / "model_index.json").get("_class_name")
    if name not in LAYOUTS:
        raise BadInput(f"model {folder}: pipeline {name}; supported: {', '.join(LAYOUTS)}")
    return name


def layout_of(folder: Path) -> Layout:
    """The layout of a folder; the optional parts are among the unused where its index has one of them as null."""
    whole, index = LAYOUTS[pipeline_name(folder)], read_json(folder / "model_index.json")
    null = {part for part in whole.optional if index.get(part) in (None, [None, None])}
    absent = set(whole.optional) if null else set()  # an encoder without its tokenizer is of no use, nor is the reverse
    networks = {part: kind for part, kind in whole.networks.items() if part not in absent}
    tokenizers = tuple(part for part in whole.tokenizers if part not in absent)
    return replace(whole, networks=networks, tokenizers=tokenizers, unused=(*whole.unused, *sorted(absent)))


def padding_of(folder: Path) -> int:
    """How many tokens of T5, or of zeros in its place, this folder's prompts are to have: as many as a pipeline's call
    gives them, unless the index says so by PADDING. Raises BadInput for what is no such number."""
    found = read_json(folder / "model_index.json").get(PADDING, T5_TOKENS)
    least = 1 if "text_encoder_3" in layout_of(folder).networks else 0
    if type(found) is not int or not least <= found <= MOST_T5_TOKENS:
        raise BadInput(f"model {folder}: {PADDING}: expected a number from {least} to {MOST_T5_TOKENS}, got {found!r}")
    return found


def parts_of(folder: Path) -> list[Path]:
    """What samples depend on in a model's folder (it may hold a card and more beside)."""
    return [folder / "model_index.json", *(folder / part for part in layout_of(folder).parts)]


def weight_files(folder: Path, part: str) -> WeightFiles:
    """The safetensors of a network, as diffusers finds them: one file or shards, without a variant where that is there,
    else of the only variant. Raises BadInput where there are none, shards are missing, or variants leave a choice."""
    name_of, place = stem(part), folder / part
    where = f"model {folder}: part {part!r}"
    names = {path.name for path in place.iterdir()} if place.is_dir() else set()
    kinds = (re.compile(rf"{name_of}\.(\w+)\.safetensors"), re.compile(rf"{name_of}\.safetensors\.index\.(\w+)\.json"))
    variants = sorted({found[1] for name in names for kind in kinds if (found := kind.fullmatch(name))})
    plain = {f"{name_of}.safetensors", f"{name_of}.safetensors.index.json"} & names
    if not plain and len(variants) > 1:
        raise BadInput(f"{where} has weights of the variants {', '.join(variants)}; expected one of them")
    if not plain and not variants:
        raise BadInput(f"{where} lacks {name_of}.safetensors; expected {', '.join(layout_of(folder).parts)}")
    variant = None if plain else variants[0]
    suffix = f".{variant}" if variant else ""
    if (single := f"{name_of}{suffix}.safetensors") in names:
        return WeightFiles(variant, (place / single,))
    index = place / f"{name_of}.safetensors.index{suffix}.json"
    weights = read_json(index).get("weight_map")
    if not isinstance(weights, dict) or not weights or not all(isinstance(name, str) for name in weights.values()):
        raise BadInput(f"{index}: expected weight_map, a mapping of tensors to files")
    shards = sorted(set(weights.values()))
    if missing := [name for name in shards if name not in names]:
        raise BadInput(f"{where} lacks {missing[0]}, which its index names")
    return WeightFiles(variant, tuple(place / name for name in shards))


def check_folder(folder: Path) -> None:
    """Raise BadInput, in one line, unless the folder holds every part of its pipeline and the parts fit."""
    where, name = f"model {folder}", pipeline_name(folder)
    layout = layout_of(folder)
    for part in layout.parts:
        if not config_path(folder, part).is_file():
            expected = ", ".join(layout.parts)
            raise BadInput(f"{where}: part {part!r} lacks {config_path(folder, part).name}; expected {expected}")
    for part, expected in layout.networks.items():
        weight_files(folder, part)
        if (found := class_of(folder, part)) != expected:
            raise BadInput(f"{where}: part {part!r} is {found}; supported: {expected}")
    for part in ("scheduler", *layout.tokenizers):
        class_of(folder, part)
    for part in layout.tokenizers:
        if not any({p.name for p in (folder / part).iterdir()} >= files for files in VOCABULARIES):
            raise BadInput(f"{where}: part {part!r} lacks its words: tokenizer.json, or vocab.json and merges.txt")
    configs = {part: read_json(config_path(folder, part)) for part in layout.networks}
    REQUIRED[name](configs, where)
    latent_shape(configs[layout.denoiser], image_factor(configs["vae"]), where=where)
    for part in ("scheduler", *layout.tokenizers):
        read_json(config_path(folder, part))


def class_of(folder: Path, part: str) -> str:
    """The name of a part's class, as the folder's index has it. Raises BadInput where it has none."""
    entry = read_json(folder / "model_index.json").get(part)
    if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(name, str) for name in entry):
        raise BadInput(f"model {folder}: model_index.json: part {part!r}: expected [library, class], got {entry!r}")
    return entry[1]
