"""A folder of Stable Diffusion 3: loaded as it was saved, and validated before any weights are read."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusion3Pipeline
from families import SCHEDULER, stable_diffusion_3

from repulsion.core.errors import BadInput
from repulsion.diffusion.families.registry import family_of, family_of_folder
from repulsion.diffusion.model import load_pipeline, load_tokenizers, sample_plain
from repulsion.diffusion.model_folder import check_folder, layout_of, parts_of
from repulsion.sampling.repel import repel

PROMPT, OWN = "a painting of a vase", (None, None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("whole")
    stable_diffusion_3().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """Without a T5."""
    torch.manual_seed(0)
    pipe = stable_diffusion_3()
    pipe.register_modules(text_encoder_3=None, tokenizer_3=None)
    pipe.save_pretrained(tmp_path)
    return tmp_path


def edited(path: Path, **changes: object) -> None:
    values = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(values), encoding="utf-8")


def test_a_folder_is_the_pipeline_that_was_saved(whole):
    theirs = StableDiffusion3Pipeline.from_pretrained(whole)
    ours = load_pipeline(whole, "cpu")
    for part in layout_of(whole).networks:
        kept, saved = (getattr(pipe, part).state_dict() for pipe in (ours, theirs))
        assert kept.keys() == saved.keys() and all(torch.equal(kept[name], saved[name]) for name in saved)
    # equal weights at other addresses: a kernel that looks at alignment adds in another order, and a value may round
    # to the next of 256
    images = [repel(pipe, PROMPT, method="plain", n=2, seed=0, levels=3).int() for pipe in (ours, theirs)]
    assert (images[0] - images[1]).abs().max() <= 1
    assert len(load_tokenizers(whole)) == 3 and "text_encoder_3" in layout_of(whole).networks


def test_a_folder_without_a_t5_has_fewer_parts(folder):
    pipe = load_pipeline(folder, "cpu")
    assert pipe.text_encoder_3 is None and pipe.tokenizer_3 is None
    assert {path.name for path in parts_of(folder)} == {
        *("model_index.json", "transformer", "vae", "scheduler"),
        *("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"),
    }
    assert len(load_tokenizers(folder)) == 2


@pytest.mark.parametrize("padding,tokens", [(None, 256), (0, 0), (7, 7)])
def test_the_padding_of_a_missing_t5_is_the_pipeline_s_or_what_the_index_says(folder, padding, tokens):
    if padding is not None:
        edited(folder / "model_index.json", _max_sequence_length=padding)
    pipe = load_pipeline(folder, "cpu")
    condition, null = family_of(pipe).encode([PROMPT], None, OWN)
    clip = pipe.tokenizer.model_max_length
    assert condition["prompt"].shape[1] == null["prompt"].shape[1] == clip + tokens
    theirs = StableDiffusion3Pipeline.from_pretrained(folder, text_encoder_3=None, tokenizer_3=None)
    expected = theirs.encode_prompt(PROMPT, None, None, max_sequence_length=tokens)[0]
    torch.testing.assert_close(condition["prompt"], expected)
    assert sample_plain(pipe, [PROMPT], [0], 7.0, 2, 0).shape == (1, 3, 64, 64)


@pytest.mark.parametrize("value", ["0", -1, 513, None, True])
def test_a_padding_that_is_none_is_one_line(folder, value):
    edited(folder / "model_index.json", _max_sequence_length=value)
    with pytest.raises(BadInput, match="_max_sequence_length: expected a number from 0 to 512, got"):
        load_pipeline(folder, "cpu")


def test_a_t5_needs_some_padding(whole, tmp_path):
    StableDiffusion3Pipeline.from_pretrained(whole).save_pretrained(tmp_path)
    edited(tmp_path / "model_index.json", _max_sequence_length=0)
    with pytest.raises(BadInput, match="expected a number from 1 to 512, got 0"):
        load_pipeline(tmp_path, "cpu")


@pytest.mark.parametrize("part", ["text_encoder_3", "tokenizer_3"])
def test_half_a_t5_is_none(whole, tmp_path, part):
    StableDiffusion3Pipeline.from_pretrained(whole).save_pretrained(tmp_path)
    edited(tmp_path / "model_index.json", **{part: [None, None]})
    pipe = load_pipeline(tmp_path, "cpu")
    assert pipe.text_encoder_3 is None and pipe.tokenizer_3 is None and len(load_tokenizers(tmp_path)) == 2


def test_texts_are_cut_where_the_positions_end(folder):
    pipe = load_pipeline(folder, "cpu")
    expected = family_of(pipe).encode([PROMPT], None, OWN)[0]["prompt"]
    pipe.tokenizer.model_max_length = pipe.tokenizer_2.model_max_length = pipe.tokenizer_max_length = 10**30
    assert torch.equal(family_of(pipe).encode([PROMPT], None, OWN)[0]["prompt"], expected)
    assert pipe.tokenizer_max_length == 10**30


def test_a_pipeline_without_an_encoder_is_one_line(folder):
    pipe = load_pipeline(folder, "cpu")
    pipe.text_encoder_2 = None
    with pytest.raises(BadInput, match="pipe: no text_encoder_2"):
        repel(pipe, PROMPT, "plain", n=1, seed=0, levels=2)


def test_a_folder_s_noise_levels_and_latents_need_no_weights(folder):
    of_folder, of_pipe = family_of_folder(folder), family_of(load_pipeline(folder, "cpu"))
    for schedule in ("linspace", "pipeline"):
        assert torch.equal(of_folder.sigmas(schedule, 5, OWN), of_pipe.sigmas(schedule, 5, OWN))
    assert of_folder.latent_shape(OWN) == of_pipe.latent_shape(OWN) == (16, 8, 8)


@pytest.mark.parametrize(
    "part,changes,message",
    [
        ("transformer", {"in_channels": 4}, "transformer in_channels is 4, expected 16"),
        ("transformer", {"pooled_projection_dim": 5}, "transformer pooled_projection_dim is 5, expected 32"),
        ("transformer", {"joint_attention_dim": 5}, "transformer joint_attention_dim is 5, expected at least 32"),
        ("transformer", {"patch_size": None}, "transformer patch_size: expected a number, got None"),
        ("transformer", {"sample_size": None}, "denoiser sample_size is None"),
        ("vae", {"block_out_channels": []}, "vae block_out_channels: expected a list of numbers"),
        ("text_encoder_2", {"max_position_embeddings": "77"}, "text_encoder_2 max_position_embeddings"),
    ],
)
def test_parts_that_do_not_fit_are_one_line(folder, part, changes, message):
    edited(folder / part / "config.json", **changes)
    with pytest.raises(BadInput, match=message) as raised:
        check_folder(folder)
    assert "\n" not in str(raised.value)


def test_a_t5_of_another_width_is_one_line(whole, tmp_path):
    pipe = StableDiffusion3Pipeline.from_pretrained(whole)
    pipe.save_pretrained(tmp_path)
    edited(tmp_path / "text_encoder_3" / "config.json", d_model=7)
    with pytest.raises(BadInput, match="joint_attention_dim is 32, expected 7 as of its T5"):
        check_folder(tmp_path)


@pytest.mark.parametrize("part", ["transformer", "text_encoder_2", "tokenizer_2"])
def test_a_part_that_is_missing_is_one_line(folder, part):
    (folder / part).rename(folder / "elsewhere")
    with pytest.raises(BadInput, match=f"part '{part}' lacks .*; expected transformer, vae, text_encoder, text_enc"):
        load_pipeline(folder, "cpu")


def test_a_scheduler_of_another_kind_is_one_line(folder):
    EulerDiscreteScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    edited(folder / "model_index.json", scheduler=["diffusers", "EulerDiscreteScheduler"])
    for load in (lambda: load_pipeline(folder, "cpu"), lambda: family_of_folder(folder)):
        with pytest.raises(BadInput, match="scheduler EulerDiscreteScheduler; supported: FlowMatchEulerDiscrete"):
            load()
