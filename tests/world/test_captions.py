import pytest

from pipeline.world.captions import caption, parse
from pipeline.world.painted.artists import ARTIST_NAMES
from pipeline.world.painted.subjects import SUBJECTS
from pipeline.world.worlds import PAINTED
from pipeline.world_model.tokenizer import MAX_TOKENS, build_tokenizer


def test_captions_follow_the_thesis():
    assert caption(PAINTED, "vase", None) == "a painting of a vase"
    assert caption(PAINTED, "vase", "estrow") == "a painting of a vase, by estrow"


@pytest.mark.parametrize("artist", [None, *ARTIST_NAMES])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_parse_undoes_caption(subject, artist):
    assert parse(PAINTED, caption(PAINTED, subject, artist)) == (subject, artist)


@pytest.mark.parametrize(
    "text,message",
    [
        ("", "empty caption; expected .* one of vase, tree"),
        ("  \n", "empty caption"),
        ("a photo of a vase", "caption 'a photo of a vase': expected"),
        ("a painting of a dragon", "unknown subject 'dragon'; expected one of vase, tree"),
        ("a painting of a vase, by monet", "unknown artist 'monet'; expected one of ambrel, boskin"),
        ("a painting of a vase, by ", "unknown artist ''"),
        ("a painting of a vase\n<b>", "unknown subject"),
    ],
)
def test_bad_captions_name_what_came_and_the_choices(text, message):
    with pytest.raises(ValueError, match=message):
        parse(PAINTED, text)


@pytest.mark.parametrize(
    "subject,artist,message", [("dragon", None, "unknown subject"), ("vase", "monet", "unknown artist")]
)
def test_bad_names(subject, artist, message):
    with pytest.raises(ValueError, match=message):
        caption(PAINTED, subject, artist)


def test_every_word_has_a_token_and_every_caption_fits():
    tokenizer = build_tokenizer(PAINTED)
    for subject in SUBJECTS:
        for artist in (None, *ARTIST_NAMES):
            ids = tokenizer(caption(PAINTED, subject, artist)).input_ids
            assert tokenizer.unk_token_id not in ids and len(ids) <= MAX_TOKENS
            assert tokenizer.decode(ids[1:-1]).replace(" ,", ",") == caption(PAINTED, subject, artist)


def test_tokens_are_framed_padded_and_cut():
    t = build_tokenizer(PAINTED)
    empty = t("", padding="max_length", truncation=True).input_ids
    assert empty == [t.bos_token_id, t.eos_token_id] + [t.pad_token_id] * (MAX_TOKENS - 2)
    long = t("a painting of a vase, by " + ", ".join(ARTIST_NAMES), truncation=True).input_ids
    assert len(long) == MAX_TOKENS and long[-1] == t.eos_token_id
    assert t("a dragon").input_ids[2] == t.unk_token_id
