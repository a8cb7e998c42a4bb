"""What the configurations of a model's parts say, and whether they fit: of a folder, or of a pipeline in memory.

A configuration is a mapping; a key that is not there has the value that diffusers and transformers give it.
"""

from __future__ import annotations

from collections.abc import Mapping

from repulsion.core.errors import BadInput

POSITIONS = 77  # of a text encoder whose configuration does not say
# What a UNet may be conditioned on besides noise level, text and guidance scale. Those that ask for more are of other
# pipelines (SDXL: text_time).
OTHER_CONDITIONS = ("addition_embed_type", "class_embed_type", "num_class_embeds", "encoder_hid_dim_type")


def require_supported(configs: Mapping[str, Mapping], where: str) -> None:
    """Raise BadInput for a Stable Diffusion's configurations that do not fit each other or need more conditions than a
    text."""
    unet, text_encoder = configs["unet"], configs["text_encoder"]
    require_channels("unet", 4, configs, where)
    width, expected = unet.get("cross_attention_dim", 1280), text_encoder.get("hidden_size", 512)
    if width != expected:
        joined = "as in the part it is joined to"
        raise BadInput(f"{where}: unet cross_attention_dim is {width}, expected {expected} {joined}")
    if other := [key for key in OTHER_CONDITIONS if unet.get(key) is not None]:
        raise BadInput(f"{where}: unet {other[0]} is {unet[other[0]]!r}; supported: a UNet conditioned on text alone")
    require_unet_sizes(configs, where)


def require_flow_transformer(configs: Mapping[str, Mapping], where: str) -> None:
    """Raise BadInput for a Stable Diffusion 3's configurations that do not fit each other."""
    if missing := [part for part in ("transformer", "vae", "text_encoder", "text_encoder_2") if part not in configs]:
        raise BadInput(f"{where}: no {missing[0]}")
    transformer = configs["transformer"]
    require_channels("transformer", 16, configs, where)
    encoders = [configs[part] for part in ("text_encoder", "text_encoder_2")]
    pooled = sum(encoder.get("projection_dim", 512) for encoder in encoders)
    tokens = sum(encoder.get("hidden_size", 512) for encoder in encoders)
    if (found := transformer.get("pooled_projection_dim", 2048)) != pooled:
        raise BadInput(f"{where}: transformer pooled_projection_dim is {found}, expected {pooled} as of its encoders")
    if (found := transformer.get("joint_attention_dim", 4096)) < tokens:
        raise BadInput(f"{where}: transformer joint_attention_dim is {found}, expected at least {tokens}")
    if "text_encoder_3" in configs and found != (width := configs["text_encoder_3"].get("d_model", 512)):
        raise BadInput(f"{where}: transformer joint_attention_dim is {found}, expected {width} as of its T5")
    require_transformer_sizes(configs, where)


def require_channels(part: str, default: int, configs: Mapping[str, Mapping], where: str) -> None:
    expected = configs["vae"].get("latent_channels", 4)
    for key in ("in_channels", "out_channels"):
        if (got := configs[part].get(key, default)) != expected:
            raise BadInput(f"{where}: {part} {key} is {got}, expected {expected} as in the part it is joined to")


def require_unet_sizes(configs: Mapping[str, Mapping], where: str) -> None:
    """Raise BadInput for configurations that do not say how large the networks are."""
    for part in ("vae", "unet"):
        require_levels(part, configs, where)
    require_positions("text_encoder", configs, where)


def require_transformer_sizes(configs: Mapping[str, Mapping], where: str) -> None:
    """The same, of a Stable Diffusion 3."""
    require_levels("vae", configs, where)
    for part in ("text_encoder", "text_encoder_2"):
        require_positions(part, configs, where)
    for key in ("patch_size", "num_attention_heads", "attention_head_dim"):
        if type(found := configs["transformer"].get(key)) is not int or found < 1:
            raise BadInput(f"{where}: transformer {key}: expected a number, got {found!r}")


def require_levels(part: str, configs: Mapping[str, Mapping], where: str) -> None:
    found = configs[part].get("block_out_channels")
    if not isinstance(found, list | tuple) or not found or not all(isinstance(c, int) and c > 0 for c in found):
        raise BadInput(f"{where}: {part} block_out_channels: expected a list of numbers, got {found!r}")


def require_positions(part: str, configs: Mapping[str, Mapping], where: str) -> None:
    if not isinstance(found := configs[part].get("max_position_embeddings", POSITIONS), int) or found < 1:
        raise BadInput(f"{where}: {part} max_position_embeddings: expected a number, got {found!r}")


# By the class of the pipeline; and by the part that denoises.
REQUIRED = {"StableDiffusionPipeline": require_supported, "StableDiffusion3Pipeline": require_flow_transformer}
REQUIRED_SIZES = {"unet": require_unet_sizes, "transformer": require_transformer_sizes}


def image_factor(vae: Mapping) -> int:
    """How many times as large as its latent an image is: halved once between each two of the VAE's levels."""
    return 2 ** (len(vae["block_out_channels"]) - 1)


def image_size(denoiser: Mapping, vae: Mapping) -> tuple[int, int]:
    """Height and width of an image of the model's own size, in pixels."""
    factor = image_factor(vae)
    _, height, width = latent_shape(denoiser, factor)
    return height * factor, width * factor


def latent_shape(
    denoiser: Mapping, factor: int, height: int | None = None, width: int | None = None, where: str = "model"
) -> tuple[int, int, int]:
    """Channels, height and width of a latent: the denoiser's own size, one number or (height, width), as diffusers
    reads it; or that of an image of `height` x `width` pixels. Raises BadInput where neither gives a size."""
    channels, own = denoiser.get("in_channels", 4), denoiser.get("sample_size")
    sizes = [own, own] if isinstance(own, int) else own
    if height is None and width is None:
        if not isinstance(sizes, list | tuple) or len(sizes) != 2 or not all(type(s) is int and s > 0 for s in sizes):
            raise BadInput(
                f"{where}: denoiser sample_size is {own}; expected a number or [height, width] (or a height and a "
                "width in pixels, where one can give them)"
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
