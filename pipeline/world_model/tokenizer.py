"""The tokenizer of a world's words."""

from __future__ import annotations

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from pipeline.world.worlds import World

START, END, PAD, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|pad|>", "<|unknown|>"
MAX_TOKENS = 16


def build_tokenizer(world: World) -> PreTrainedTokenizerFast:
    """A word-level tokenizer of the captions' words, padded and cut to MAX_TOKENS by its callers as CLIP's is.

    A word from outside the world becomes the unknown token, so that stock pipelines run on any prompt; our own stages
    parse captions first and stop.
    """
    words = ["a", world.medium, "of", ",", "by", *world.subjects, *world.artists]
    vocabulary = {token: k for k, token in enumerate([PAD, START, END, UNKNOWN, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), "removed", invert=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, vocabulary[START]), (END, vocabulary[END])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        model_max_length=MAX_TOKENS,
    )
