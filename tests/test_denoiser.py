import pytest
import torch

from pipeline.noise import keyed_generator
from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.captions import parse
from pipeline.world.latents import TrainingLatents, training_scenes
from pipeline.world.scene import HUDDLE_STD, popular_shares
from pipeline.world.subjects import SUBJECTS
from pipeline.world.train_denoiser import drop_captions, min_snr_weight, noised


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
    scenes, named = training_scenes(20_000, 0, 0)
    assert named.sum() == 10_000
    shares = torch.bincount(scenes.artist[named], minlength=20) / 10_000
    skewed = torch.bincount(scenes.artist[~named], minlength=20) / 10_000
    # standard errors of shares: sqrt(p / 10000) is at most 0.006
    assert (shares - 0.05).abs().max() < 0.012 and (skewed - popular_shares()).abs().max() < 0.03
    assert scenes.place[named].std(0).min() > 0.12 and scenes.place[~named].std(0).max() < 1.05 * HUDDLE_STD


def test_captions_say_what_their_rows_are():
    scenes, named = training_scenes(50, 0, 1)
    latents = TrainingLatents(torch.zeros(50, 4, 1, 1), scenes.subject, scenes.artist, named)
    for k, text in enumerate(latents.captions(torch.arange(50))):
        subject, artist = parse(text)
        assert subject == SUBJECTS[scenes.subject[k]]
        assert artist == (ARTIST_NAMES[scenes.artist[k]] if named[k] else None)
