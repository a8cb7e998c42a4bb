from dataclasses import replace

import pytest
import torch
from profile_values import PROFILES

from pipeline.profile.profile import read_profile
from pipeline.profile.prompts import Prompt
from pipeline.stages.prompts import require_references
from pipeline.stages.reference import jobs, render_set
from pipeline.world.painted.artists import ARTIST_NAMES
from pipeline.world.worlds import DRAWN, PAINTED
from repulsion.core.errors import BadInput
from repulsion.tensors.noise import keyed_seed

VASE = Prompt("vase", "a painting of a vase", "test")


def test_every_artist_paints_every_prompt_equally_often():
    made = jobs([VASE, Prompt("kite", "a painting of a kite", "test")], list(ARTIST_NAMES), 8, 32)
    assert [len(job.index) for job in made] == [32] * 10
    texts = [text for job in made[:5] for text in job.texts]
    assert {text: texts.count(text) for text in texts} == {f"a painting of a vase, by {a}": 8 for a in ARTIST_NAMES}
    assert [k for job in made[:5] for k in job.index] == list(range(160))


def test_the_last_job_may_be_smaller():
    assert [len(job.index) for job in jobs([VASE], ["ambrel"], 5, 2)] == [2, 2, 1]


def test_renders_show_what_their_caption_says_wherever_they_are_cut():
    from pathlib import Path

    from pipeline.encoders import evaluation_encoder

    whole = render_set(PAINTED, 2, jobs([VASE], list(ARTIST_NAMES), 2, 40)[0])
    encoder = evaluation_encoder.load(Path(__file__).parents[2] / "models" / "painted-world" / "encoder", PAINTED)
    reading = encoder.read(torch.from_numpy(whole.images).permute(0, 3, 1, 2))
    assert reading.artist.argmax(1).tolist() == [k for k in range(20) for _ in range(2)]
    assert (reading.subject.argmax(1) == 0).all() and reading.place.std(0).min() > 0.08
    part = render_set(PAINTED, 2, jobs([VASE], list(ARTIST_NAMES), 2, 10)[1])
    assert (part.images == whole.images[10:20]).all() and part.seed == whole.seed[10:20]
    assert part.seed[0] == keyed_seed(2, "vase", 10, "scene")


def test_prompts_that_the_world_cannot_paint_are_refused():
    with pytest.raises(BadInput, match="caption 'a photo of a vase, by ambrel'"):
        render_set(PAINTED, 0, jobs([Prompt("v", "a photo of a vase", "test")], ["ambrel"], 1, 1)[0])


def test_a_world_that_is_none_renders_nothing():
    profile = read_profile(PROFILES["small"])
    require_references(profile, PAINTED, [replace(VASE, subject="vase")], list(ARTIST_NAMES))
    with pytest.raises(BadInput, match="reference truth: rendered by a world, and the profile's world is null"):
        require_references(profile, None, [VASE], list(ARTIST_NAMES))
    with pytest.raises(BadInput, match="reference truth: prompt vase is none of the drawn world's"):
        require_references(profile, DRAWN, [VASE], list(DRAWN.artists))
