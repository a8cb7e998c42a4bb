"""Stable Diffusion 2's architecture, as its configurations say: for estimates and for networks without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.core.files import read_json
from repulsion.diffusion.levels import scaled_linear_abar
from repulsion.diffusion.model_folder import LAYOUTS, Layout, config_path, layout_of

TOKENS = 77  # of a text, its begin and end included

# stable-diffusion-2-base, as its configurations say.
SD2: dict[str, dict[str, Any]] = {
    "unet": {
        "sample_size": 64,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "attention_head_dim": (5, 10, 20, 20),  # heads of 64 channels each; diffusers calls their number so
        "cross_attention_dim": 1024,
        "use_linear_projection": True,
        "norm_num_groups": 32,
    },
    "vae": {
        "sample_size": 768,
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "latent_channels": 4,
        "norm_num_groups": 32,
    },
    "text_encoder": {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 23,
        "max_position_embeddings": TOKENS,
        "vocab_size": 49408,
        "hidden_act": "gelu",
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    },
    "scheduler": {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
        "steps_offset": 1,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
    },
}
PIPELINE = "StableDiffusionPipeline"
PARAMETERS = {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 340_387_840}


def config_of(model: Path, part: str) -> dict[str, Any]:
    """A part's configuration in a model's folder; Stable Diffusion 2's, while it is not there. Raises BadInput for a
    part that Stable Diffusion 2 has not."""
    path = config_path(model, part)
    if path.is_file():
        return read_json(path)
    if part not in SD2:
        raise BadInput(f"model {model}: part {part!r} lacks {path.name}")
    return SD2[part]


def layout(model: Path) -> Layout:
    """Of a model's folder; Stable Diffusion 2's, while it is not there."""
    return layout_of(model) if (model / "model_index.json").is_file() else LAYOUTS[PIPELINE]


def sd2_abar() -> Float[Tensor, " t"]:
    """abar of every training timestep of Stable Diffusion 2."""
    p = SD2["scheduler"]
    return scaled_linear_abar(p["beta_start"], p["beta_end"], p["num_train_timesteps"])
