import math
from pathlib import Path

import pytest
import torch

from pipeline.encoders import evaluation_encoder
from pipeline.stages.world import measure
from pipeline.stages.world.measure import rounded, sample_prompts
from pipeline.world.captions import parse
from pipeline.world.painted.artists import ARTIST_NAMES
from pipeline.world.painted.subjects import SUBJECTS
from pipeline.world.render import render
from pipeline.world.scene import popular, scenes, uniform_places
from pipeline.world.worlds import PAINTED
from pipeline.world_model.bars import bars
from pipeline.world_model.statistics import effective_number, interval, place_spread, psnr, shares

ROOT = Path(__file__).parents[2]


def test_effective_number_counts_equal_shares():
    for k in (1, 2, 7, 20):
        assert effective_number(torch.arange(k).repeat(3)) == pytest.approx(k, rel=1e-5)
    # shares 3/4 and 1/4: exp of their entropy
    expected = math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert effective_number(torch.tensor([0, 0, 0, 5])) == pytest.approx(expected, rel=1e-5)


def test_shares_cover_every_artist():
    assert shares(torch.tensor([0, 0, 19, 3]), 20).tolist() == [0.5, 0, 0, 0.25] + [0] * 15 + [0.25]


def test_place_spread_is_the_root_mean_variance():
    place = torch.tensor([[0.0, 0.5], [1.0, 0.5]])  # variances 1/2 (with n - 1) and 0
    assert place_spread(place) == pytest.approx(0.5)
    generator = torch.Generator().manual_seed(0)
    assert place_spread(torch.rand(100_000, 2, generator=generator)) == pytest.approx(math.sqrt(1 / 12), rel=0.01)


def test_psnr_of_a_constant_error():
    images = torch.full((3, 3, 8, 8), 100, dtype=torch.uint8)
    assert torch.allclose(psnr(images, images + 10), torch.full((3,), 20 * math.log10(25.5)), atol=1e-4)
    assert psnr(images, images).isinf().all()


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Means of 100 normals, 200 times: 95% intervals miss 10 times on average, with a standard deviation of 3.1."""
    hits = 0
    for k in range(200):
        values = torch.randn(100, generator=torch.Generator().manual_seed(k))
        low, high = interval(values, lambda v: v.mean().item(), seed=k)
        hits += low <= 0 <= high
    assert 176 <= hits <= 199


def found(**changes):
    p = {"artist_total_variation": 0.05, "effective_artists_95": [2, 3], "place_spread_95": [0.05, 0.06]}
    values = {
        "vae_psnr": 31.0,
        "named_subject_accuracy": 0.99,
        "named_artist_accuracy": 0.99,
        "named_worst_pair_subject": {"subject_accuracy": 0.8},
        "named_worst_pair_artist": {"artist_accuracy": 0.8},
        "uniform_place_spread": 0.127,
        "base_guidance_1": {"vase": p, "tree": p},
        "base_guidance_8": {"vase": p, "tree": p},
        "encoder_subject_accuracy": 1.0,
        "encoder_artist_accuracy": 1.0,
        "encoder_place_rmse": 0.01,
    }
    return values | changes


def test_bars_hold_and_fail_where_they_should():
    assert all(row["holds"] for row in bars(PAINTED, found()))
    worse = {"artist_total_variation": 0.2, "effective_artists_95": [5, 6], "place_spread_95": [0.1, 0.2]}
    for changes, failed in [
        ({"vae_psnr": 29.99}, 1),
        ({"named_subject_accuracy": 0.969}, 1),
        ({"named_artist_accuracy": 0.949}, 1),
        ({"named_worst_pair_subject": {"subject_accuracy": 0.74}}, 1),
        ({"named_worst_pair_artist": {"artist_accuracy": 0.74}}, 1),
        ({"encoder_subject_accuracy": 0.989}, 1),
        ({"encoder_artist_accuracy": 0.989}, 1),
        ({"base_guidance_1": {"vase": found()["base_guidance_1"]["vase"], "tree": worse}}, 1),
        ({"base_guidance_8": {"vase": worse}}, 2),
        ({"encoder_place_rmse": 0.021}, 1),
    ]:
        assert sum(not row["holds"] for row in bars(PAINTED, found(**changes))) == failed


def test_rounded_reaches_every_depth():
    assert rounded({"a": [0.123456789, {"b": 1 / 3}], "c": "x", "d": True}) == {
        "a": [0.12346, {"b": 0.33333}],
        "c": "x",
        "d": True,
    }


def test_sample_prompts_keeps_prompts_apart():
    """Images come back prompt by prompt and in order, whatever the batch size."""

    def draw(prompts, indices):
        values = [10 * int(p) + i for p, i in zip(prompts, indices, strict=True)]
        return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 1, 1)

    for batch in (1, 4, 5, 100):
        parts = sample_prompts(draw, ["1", "2", "3"], 3, batch, "fake")
        assert [p[:, 0, 0, 0].tolist() for p in parts] == [[10, 11, 12], [20, 21, 22], [30, 31, 32]]


@pytest.fixture(scope="module")
def encoder():
    return evaluation_encoder.load(ROOT / "models" / "painted-world" / "encoder", PAINTED)


def truth(prompts, n, guidance_scale):
    """True renders in the place of samples: what a perfect model would paint."""
    for k, (name, artist) in enumerate(parse(PAINTED, prompt) for prompt in prompts):
        generator = torch.Generator().manual_seed(k)
        subject = torch.full((n,), SUBJECTS.index(name))
        if artist is None:
            yield render(PAINTED, popular(PAINTED, subject, generator))
        else:
            by = torch.full((n,), ARTIST_NAMES.index(artist))
            yield render(PAINTED, scenes(subject, by, uniform_places(n, generator), generator))


def test_a_perfect_model_clears_the_bars_of_sampling(encoder):
    pairs = measure.measure_pairs(PAINTED, truth, encoder, 4)
    assert pairs["named_subject_accuracy"] > 0.99 and pairs["named_artist_accuracy"] > 0.99
    for found in measure.measure_base(PAINTED, truth, encoder, 600, 1.0, seed=0).values():
        # at n = 600 sampling noise alone gives a total variation of about 0.06
        assert found["subject_accuracy"] > 0.99 and found["artist_total_variation"] < 0.10
        low, high = found["effective_artists_95"]
        assert low < 1.1 * found["effective_artists"] < 1.2 * high
        assert found["place_spread"] == pytest.approx(0.06, rel=0.1)


def test_a_wrong_model_does_not(encoder):
    """Each prompt answered by the pictures of the next one."""

    def wrong(prompts, n, guidance_scale):
        return truth(prompts[1:] + prompts[:1], n, guidance_scale)

    found = measure.measure_pairs(PAINTED, wrong, encoder, 2)
    # the next prompt is the same subject by the next artist, but after the last artist
    assert found["named_artist_accuracy"] < 0.01 and found["named_worst_pair_artist"]["artist_accuracy"] == 0
    assert found["named_subject_accuracy"] == pytest.approx(0.95, abs=0.01)
    assert found["named_worst_pair_subject"]["subject_accuracy"] == 0
