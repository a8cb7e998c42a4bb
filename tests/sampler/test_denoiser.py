import dataclasses
from pathlib import Path

import pytest
import torch

from pipeline.profile.training_settings import TrainingSettings
from pipeline.stages.world.denoiser import drop_captions, min_snr_weight, noised
from pipeline.world.captions import parse
from pipeline.world.painted.artists import ARTIST_NAMES
from pipeline.world.painted.subjects import SUBJECTS
from pipeline.world.scene import HUDDLE_STD, popular_shares
from pipeline.world.worlds import PAINTED
from pipeline.world_model.artifacts import HERE, RoundParams, WorldParams
from pipeline.world_model.latents import TrainingLatents, training_scenes
from repulsion.core.errors import BadInput
from repulsion.core.settings import load
from repulsion.tensors.noise import keyed_generator

UNIFORM = RoundParams(1, 0, None, 0.0, TrainingSettings(1, 1, 1.0, 0.0, 0.0, 0.0, 1, 0))


def test_noised_mixes_signal_and_noise_by_the_roots_of_their_shares():
    x0, eps = torch.full((2, 4, 1, 1), 3.0), torch.full((2, 4, 1, 1), 5.0)
    out = noised(x0, eps, torch.tensor([0.64, 1.0]))
    assert torch.allclose(out[:, 0, 0, 0], torch.tensor([0.8 * 3 + 0.6 * 5, 3.0]))


def test_weights_are_one_at_high_noise_and_fall_with_the_signal():
    abar = torch.tensor([0.1, 0.5, 5 / 6, 0.99])  # signal to noise 1/9, 1, 5, 99
    assert torch.allclose(min_snr_weight(abar), torch.tensor([1.0, 1.0, 1.0, 5 / 99]), atol=1e-5)


def test_captions_are_dropped_at_their_rate():
    texts = drop_captions(["words"] * 10_000, 0.1, keyed_generator("drop"))
    # binomial: standard deviation 30
    assert texts.count("") == pytest.approx(1000, abs=150) and texts.count("words") == 10_000 - texts.count("")
    assert drop_captions(["words"] * 5, 0.0, keyed_generator("drop")) == ["words"] * 5


def test_half_of_the_training_scenes_are_named_and_uniform_and_half_are_popular_and_huddled():
    scenes, named = training_scenes(PAINTED, UNIFORM, 20_000, 0)
    assert named.sum() == 10_000
    shares = torch.bincount(scenes.artist[named], minlength=20) / 10_000
    skewed = torch.bincount(scenes.artist[~named], minlength=20) / 10_000
    # standard errors of shares: sqrt(p / 10000) is at most 0.006
    assert (shares - 0.05).abs().max() < 0.012 and (skewed - popular_shares(PAINTED)).abs().max() < 0.03
    assert scenes.place[named].std(0).min() > 0.12 and scenes.place[~named].std(0).max() < 1.05 * HUDDLE_STD


def test_hard_artists_are_practised_more_and_nothing_else_changes():
    hard = dataclasses.replace(UNIFORM, hard=("tambrok", "boskin"), hard_share=0.2)
    (easy_scenes, _), (scenes, named) = (
        training_scenes(PAINTED, UNIFORM, 20_000, 0),
        training_scenes(PAINTED, hard, 20_000, 0),
    )
    shares = torch.bincount(scenes.artist[named], minlength=20) / 10_000
    expected = torch.full((20,), 0.8 / 20)
    expected[[ARTIST_NAMES.index("tambrok"), ARTIST_NAMES.index("boskin")]] += 0.1
    assert (shares - expected).abs().max() < 0.014  # four standard errors of a share of 0.14
    assert torch.equal(scenes.place[named], easy_scenes.place[named])
    assert torch.equal(scenes.subject[named], easy_scenes.subject[named])
    skewed = torch.bincount(scenes.artist[~named], minlength=20) / 10_000
    assert (skewed - popular_shares(PAINTED)).abs().max() < 0.03


def test_bad_rounds():
    world = load(WorldParams, Path(__file__).parents[2] / HERE / "params.yaml")
    unknown = dataclasses.replace(UNIFORM, hard=("monet",), hard_share=0.1)
    with pytest.raises(BadInput, match="unknown hard artist 'monet'; expected one of ambrel"):
        dataclasses.replace(world, denoiser=dataclasses.replace(world.denoiser, rounds=(unknown,)))
    with pytest.raises(BadInput, match="unknown world 'sung'; expected one of painted, drawn"):
        dataclasses.replace(world, world="sung")
    for hard, share in ((None, 0.1), (("ambrel",), 0.0), (("ambrel",), 1.5)):
        with pytest.raises(BadInput, match="hard_share: expected "):
            dataclasses.replace(UNIFORM, hard=hard, hard_share=share)


def test_captions_say_what_their_rows_are():
    scenes, named = training_scenes(PAINTED, UNIFORM, 50, 1)
    latents = TrainingLatents(PAINTED, torch.zeros(50, 4, 1, 1), scenes.subject, scenes.artist, named)
    for k, text in enumerate(latents.captions(torch.arange(50))):
        subject, artist = parse(PAINTED, text)
        assert subject == SUBJECTS[scenes.subject[k]]
        assert artist == (ARTIST_NAMES[scenes.artist[k]] if named[k] else None)
