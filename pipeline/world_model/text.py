"""Captions in the training of a denoiser: a text encoder's configuration, and dropout."""

from __future__ import annotations

import torch
from transformers import CLIPTextConfig, PreTrainedTokenizerFast

from pipeline.world_model import tokenizer


def text_config(words: PreTrainedTokenizerFast, width: int, layers: int, **more: int) -> CLIPTextConfig:
    """A small CLIP text encoder for the world's words."""
    return CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.MAX_TOKENS,
        hidden_act="gelu",
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        **more,
    )


def drop_captions(texts: list[str], share: float, generator: torch.Generator) -> list[str]:
    """Each caption, or with probability `share` the empty one, so that guidance has an unconditional model."""
    kept = torch.rand(len(texts), generator=generator) >= share
    return [text if k else "" for text, k in zip(texts, kept.tolist(), strict=True)]
