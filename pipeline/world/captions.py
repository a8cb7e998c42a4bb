"""Captions of the painted world, and the tokenizer of its words.

The grammar is the thesis's: "a painting of a vase" and "a painting of a vase, by ambrel".
"""

from __future__ import annotations

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.subjects import SUBJECTS

START, END, PAD, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|pad|>", "<|unknown|>"
MAX_TOKENS = 16


def caption(subject: str, artist: str | None) -> str:
    """The caption of a subject, with the artist's name or without one."""
    require(subject, SUBJECTS, "subject")
    base = f"a painting of a {subject}"
    if artist is None:
        return base
    require(artist, ARTIST_NAMES, "artist")
    return f"{base}, by {artist}"


def parse(text: str) -> tuple[str, str | None]:
    """The subject and the artist (None where none is named) of a caption; the inverse of `caption`.

    Raises ValueError for an empty caption, another grammar, an unknown subject or artist.
    """
    expected = 'expected "a painting of a SUBJECT" or "a painting of a SUBJECT, by ARTIST"'
    if not text.strip():
        raise ValueError(f"empty caption; {expected} with SUBJECT one of {', '.join(SUBJECTS)}")
    start, _, rest = text.partition("a painting of a ")
    if start or not rest:
        raise ValueError(f"caption {text!r}: {expected}")
    subject, comma, artist = rest.partition(", by ")
    require(subject, SUBJECTS, "subject")
    if not comma:
        return subject, None
    require(artist, ARTIST_NAMES, "artist")
    return subject, artist


def require(name: str, choices: tuple[str, ...], kind: str) -> None:
    if name not in choices:
        raise ValueError(f"unknown {kind} {name!r}; expected one of {', '.join(choices)}")


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A word-level tokenizer of the captions' words, padded and cut to MAX_TOKENS by its callers as CLIP's is.

    A word from outside the world becomes the unknown token, so that stock pipelines run on any prompt; our own stages
    parse captions first and stop.
    """
    words = ["a", "painting", "of", ",", "by", *SUBJECTS, *ARTIST_NAMES]
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
