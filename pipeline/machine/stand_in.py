"""Stable Diffusion 2 without its weights: the real architecture, or a small one of the same shape, with random ones.

What needs no trained weights can be proven and timed on it: loading, sampling, memory, cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from pipeline.machine.architecture import SD2, TOKENS

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline
    from transformers import PreTrainedTokenizerBase

# The same four resolutions, block types and heads, small enough for a test.
SMALL: dict[str, dict[str, Any]] = {
    "unet": SD2["unet"]
    | {"sample_size": 8, "block_out_channels": (8, 16, 16, 16), "attention_head_dim": (1, 2, 2, 2)}
    | {"cross_attention_dim": 16, "norm_num_groups": 4, "layers_per_block": 1},
    "vae": SD2["vae"] | {"block_out_channels": (8, 8, 8, 8), "norm_num_groups": 4, "layers_per_block": 1},
    "text_encoder": SD2["text_encoder"]
    | {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}
    | {"vocab_size": 4096},
    "scheduler": SD2["scheduler"],
}


def tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerBase:
    """A tokenizer of CLIP's kind (byte pairs), of at most `vocabulary` pieces of the texts' words: CLIP's own
    vocabulary is a download."""
    from tokenizers import Tokenizer, models, trainers
    from transformers import CLIPTokenizer

    cuts = CLIPTokenizer().backend_tokenizer  # texts are made lower case and cut into words as there
    pairs = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    pairs.normalizer, pairs.pre_tokenizer = cuts.normalizer, cuts.pre_tokenizer
    special = ["<|startoftext|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=special, end_of_word_suffix="</w>", show_progress=False
    )
    pairs.train_from_iterator(texts, trainer)
    model = json.loads(pairs.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    return CLIPTokenizer(vocab=model["vocab"], merges=merges, model_max_length=TOKENS)


def random_pipeline(
    shape: dict[str, dict[str, Any]], words: PreTrainedTokenizerBase, dtype: torch.dtype, device: str, seed: int
) -> StableDiffusionPipeline:
    """A pipeline of this shape with random weights, as torch's initialisation draws them, in evaluation mode."""
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from diffusers.utils import logging
    from transformers import CLIPTextConfig, CLIPTextModel

    logging.set_verbosity_error()  # of parts that should stay in float32; these have none
    torch.manual_seed(seed)
    with torch.device(device):
        text = CLIPTextModel(CLIPTextConfig(**shape["text_encoder"]))
        networks = {
            "unet": UNet2DConditionModel.from_config(shape["unet"]),
            "vae": AutoencoderKL.from_config(shape["vae"]),
            "text_encoder": text,
        }
    for network in networks.values():
        network.eval().requires_grad_(False).to(dtype)
    scheduler = PNDMScheduler(**shape["scheduler"])
    pipe = StableDiffusionPipeline(
        **networks,
        tokenizer=words,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe
