"""A Stable Diffusion in diffusers' folder format, validated by its small files before any weights are read.

What is checked of configurations holds for a pipeline in memory too: both go through `require_supported`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repulsion.core.errors import BadInput
from repulsion.core.files import read_json

PIPELINES = ("StableDiffusionPipeline",)
CLASSES = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL", "text_encoder": "CLIPTextModel"}
# The name of each network's weights, before `.safetensors`.
STEMS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
PARTS = (*STEMS, "scheduler", "tokenizer")
POSITIONS = 77  # of a text encoder whose configuration does not say
VOCABULARIES = ({"tokenizer.json"}, {"vocab.json", "merges.txt"})
# What a UNet may be conditioned on besides noise level, text and guidance scale. Those that ask for more are of other
# pipelines (SDXL: text_time).
OTHER_CONDITIONS = ("addition_embed_type", "class_embed_type", "num_class_embeds", "encoder_hid_dim_type")


@dataclass(frozen=True)
class WeightFiles:
    """Where a network's weights are: one file, or the shards of an index. `variant` is a part of their name: fp16 in
    model.fp16.safetensors."""

    variant: str | None
    files: tuple[Path, ...]


def config_path(folder: Path, part: str) -> Path:
    names = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
    return folder / part / names.get(part, "config.json")


def parts_of(folder: Path) -> list[Path]:
    """What samples depend on in a model's folder (it may hold a card and more beside)."""
    return [folder / "model_index.json", *(folder / part for part in PARTS)]


def weight_files(folder: Path, part: str) -> WeightFiles:
    """The safetensors of a network, as diffusers finds them: one file or shards, without a variant where that is there,
    else of the only variant. Raises BadInput where there are none, shards are missing, or variants leave a choice."""
    stem, place = STEMS[part], folder / part
    where = f"model {folder}: part {part!r}"
    names = {path.name for path in place.iterdir()} if place.is_dir() else set()
    kinds = (re.compile(rf"{stem}\.(\w+)\.safetensors"), re.compile(rf"{stem}\.safetensors\.index\.(\w+)\.json"))
    variants = sorted({found[1] for name in names for kind in kinds if (found := kind.fullmatch(name))})
    plain = {f"{stem}.safetensors", f"{stem}.safetensors.index.json"} & names
    if not plain and len(variants) > 1:
        raise BadInput(f"{where} has weights of the variants {', '.join(variants)}; expected one of them")
    if not plain and not variants:
        raise BadInput(f"{where} lacks {stem}.safetensors; expected {', '.join(PARTS)}")
    variant = None if plain else variants[0]
    suffix = f".{variant}" if variant else ""
    if (single := f"{stem}{suffix}.safetensors") in names:
        return WeightFiles(variant, (place / single,))
    index = place / f"{stem}.safetensors.index{suffix}.json"
    weights = read_json(index).get("weight_map")
    if not isinstance(weights, dict) or not weights or not all(isinstance(name, str) for name in weights.values()):
        raise BadInput(f"{index}: expected weight_map, a mapping of tensors to files")
    shards = sorted(set(weights.values()))
    if missing := [name for name in shards if name not in names]:
        raise BadInput(f"{where} lacks {missing[0]}, which its index names")
    return WeightFiles(variant, tuple(place / name for name in shards))


def check_folder(folder: Path) -> None:
    """Raise BadInput, in one line, unless the folder holds every part of a Stable Diffusion and the parts fit."""
    where = f"model {folder}"
    if not (folder / "model_index.json").is_file():
        raise BadInput(f"{where}: no model_index.json; expected a folder in diffusers' format")
    index = read_json(folder / "model_index.json")
    require_pipeline(index.get("_class_name"), where)
    for part in PARTS:
        if not config_path(folder, part).is_file():
            raise BadInput(
                f"{where}: part {part!r} lacks {config_path(folder, part).name}; expected {', '.join(PARTS)}"
            )
    for part, expected in CLASSES.items():
        weight_files(folder, part)
        if (found := class_of(folder, part)) != expected:
            raise BadInput(f"{where}: part {part!r} is {found}; supported: {expected}")
    for part in ("scheduler", "tokenizer"):
        class_of(folder, part)
    if not any({p.name for p in (folder / "tokenizer").iterdir()} >= files for files in VOCABULARIES):
        raise BadInput(f"{where}: part 'tokenizer' lacks its words: tokenizer.json, or vocab.json and merges.txt")
    unet, vae, text = (read_json(config_path(folder, part)) for part in STEMS)
    require_supported(unet, vae, text, where)
    latent_shape(unet, image_factor(vae), where=where)
    for part in ("scheduler", "tokenizer"):
        read_json(config_path(folder, part))


def class_of(folder: Path, part: str) -> str:
    """The name of a part's class, as the folder's index has it. Raises BadInput where it has none."""
    entry = read_json(folder / "model_index.json").get(part)
    if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(name, str) for name in entry):
        raise BadInput(f"model {folder}: model_index.json: part {part!r}: expected [library, class], got {entry!r}")
    return entry[1]


def require_pipeline(name: object, where: str) -> None:
    if name not in PIPELINES:
        raise BadInput(f"{where}: pipeline {name}; supported: {', '.join(PIPELINES)}")


def require_supported(unet: Mapping, vae: Mapping, text_encoder: Mapping, where: str) -> None:
    """Raise BadInput for configurations that do not fit each other or need more conditions than a text. A key that is
    not there has the value that diffusers and transformers give it."""
    for key, got, expected in (
        ("unet in_channels", unet.get("in_channels", 4), vae.get("latent_channels", 4)),
        ("unet out_channels", unet.get("out_channels", 4), vae.get("latent_channels", 4)),
        ("unet cross_attention_dim", unet.get("cross_attention_dim", 1280), text_encoder.get("hidden_size", 512)),
    ):
        if got != expected:
            raise BadInput(f"{where}: {key} is {got}, expected {expected} as in the part it is joined to")
    if other := [key for key in OTHER_CONDITIONS if unet.get(key) is not None]:
        raise BadInput(f"{where}: unet {other[0]} is {unet[other[0]]!r}; supported: a UNet conditioned on text alone")
    require_sizes(unet, vae, text_encoder, where)


def require_sizes(unet: Mapping, vae: Mapping, text_encoder: Mapping, where: str) -> None:
    """Raise BadInput for configurations that do not say how large the networks are."""
    for name, config in (("vae", vae), ("unet", unet)):
        found = config.get("block_out_channels")
        if not isinstance(found, list | tuple) or not found or not all(isinstance(c, int) and c > 0 for c in found):
            raise BadInput(f"{where}: {name} block_out_channels: expected a list of numbers, got {found!r}")
    if not isinstance(found := text_encoder.get("max_position_embeddings", POSITIONS), int) or found < 1:
        raise BadInput(f"{where}: text_encoder max_position_embeddings: expected a number, got {found!r}")


def image_factor(vae: Mapping) -> int:
    """How many times as large as its latent an image is: halved once between each two of the VAE's levels."""
    return 2 ** (len(vae["block_out_channels"]) - 1)


def image_size(unet: Mapping, vae: Mapping) -> tuple[int, int]:
    """Height and width of an image of the model's own size, in pixels."""
    factor = image_factor(vae)
    _, height, width = latent_shape(unet, factor)
    return height * factor, width * factor


def latent_shape(
    unet: Mapping, factor: int, height: int | None = None, width: int | None = None, where: str = "model"
) -> tuple[int, int, int]:
    """Channels, height and width of a latent: the UNet's own size, one number or (height, width), as diffusers reads
    it; or that of an image of `height` x `width` pixels. Raises BadInput where neither gives a size."""
    channels, own = unet.get("in_channels", 4), unet.get("sample_size")
    sizes = [own, own] if isinstance(own, int) else own
    if height is None and width is None:
        if not isinstance(sizes, list | tuple) or len(sizes) != 2 or not all(type(s) is int and s > 0 for s in sizes):
            raise BadInput(
                f"{where}: unet sample_size is {own}; expected a number or [height, width] (or a height and a width in "
                "pixels, where one can give them)"
            )
        return channels, *sizes
    for name, side in (("height", height), ("width", width)):
        if type(side) is not int or side < factor or side % factor:
            raise BadInput(f"{name}: expected a multiple of {factor} pixels (height and width go together), got {side}")
    return channels, height // factor, width // factor


def guidance_width(unet: Mapping) -> int:
    """The width of the guidance scale's embedding that a guidance-distilled UNet takes as an input; 0 for others."""
    return unet.get("time_cond_proj_dim") or 0


def token_limit(model_max_length: int, positions: int) -> int:
    """How many tokens of a text the model sees: as many as its tokenizer says (which may say nothing: a number far
    beyond any text), and no more than the text encoder has positions."""
    return min(int(model_max_length), positions)
