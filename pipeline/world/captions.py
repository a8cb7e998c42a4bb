"""Captions of a world: the thesis's "a painting of a vase" and "a painting of a vase, by ambrel"."""

from __future__ import annotations

from pipeline.world.worlds import World
from repulsion.core.errors import BadInput, require_one_of


def caption(world: World, subject: str, artist: str | None) -> str:
    """The caption of a subject, with the artist's name or without one."""
    require_one_of(subject, world.subjects, "subject")
    base = f"a {world.medium} of a {subject}"
    if artist is None:
        return base
    require_one_of(artist, world.artists, "artist")
    return f"{base}, by {artist}"


def parse(world: World, text: str) -> tuple[str, str | None]:
    """The subject and the artist (None where none is named) of a caption; the inverse of `caption`.

    Raises BadInput for an empty caption, another grammar, an unknown subject or artist.
    """
    phrase = f"a {world.medium} of a "
    expected = f'expected "{phrase}SUBJECT" or "{phrase}SUBJECT, by ARTIST"'
    if not text.strip():
        raise BadInput(f"empty caption; {expected} with SUBJECT one of {', '.join(world.subjects)}")
    start, _, rest = text.partition(phrase)
    if start or not rest:
        raise BadInput(f"caption {text!r}: {expected}")
    subject, comma, artist = rest.partition(", by ")
    require_one_of(subject, world.subjects, "subject")
    if not comma:
        return subject, None
    require_one_of(artist, world.artists, "artist")
    return subject, artist
