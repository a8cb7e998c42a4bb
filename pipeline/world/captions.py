"""Captions of the painted world: the thesis's "a painting of a vase" and "a painting of a vase, by ambrel"."""

from __future__ import annotations

from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.subjects import SUBJECTS
from repulsion.core.errors import BadInput, require_one_of


def caption(subject: str, artist: str | None) -> str:
    """The caption of a subject, with the artist's name or without one."""
    require_one_of(subject, SUBJECTS, "subject")
    base = f"a painting of a {subject}"
    if artist is None:
        return base
    require_one_of(artist, ARTIST_NAMES, "artist")
    return f"{base}, by {artist}"


def parse(text: str) -> tuple[str, str | None]:
    """The subject and the artist (None where none is named) of a caption; the inverse of `caption`.

    Raises BadInput for an empty caption, another grammar, an unknown subject or artist.
    """
    expected = 'expected "a painting of a SUBJECT" or "a painting of a SUBJECT, by ARTIST"'
    if not text.strip():
        raise BadInput(f"empty caption; {expected} with SUBJECT one of {', '.join(SUBJECTS)}")
    start, _, rest = text.partition("a painting of a ")
    if start or not rest:
        raise BadInput(f"caption {text!r}: {expected}")
    subject, comma, artist = rest.partition(", by ")
    require_one_of(subject, SUBJECTS, "subject")
    if not comma:
        return subject, None
    require_one_of(artist, ARTIST_NAMES, "artist")
    return subject, artist
