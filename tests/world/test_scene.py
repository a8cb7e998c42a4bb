import math

import pytest
import torch

from pipeline.world.scene import (
    HUDDLE_STD,
    PLACE_HIGH,
    PLACE_LOW,
    SIZE_HIGH,
    SIZE_LOW,
    huddled_places,
    max_diversity,
    popular,
    popular_shares,
    random_subjects,
)
from pipeline.world.worlds import PAINTED


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_popular_shares_are_zipf():
    shares = popular_shares(PAINTED)
    assert shares.sum().item() == pytest.approx(1, abs=1e-6)
    assert (shares[0] / shares[3]).item() == pytest.approx(4**1.2, rel=1e-5)


def test_huddled_places_have_the_variance_of_a_cut_normal():
    reach = (PLACE_HIGH - PLACE_LOW) / 2
    b = reach / HUDDLE_STD
    density, mass = math.exp(-b * b / 2) / math.sqrt(2 * math.pi), math.erf(b / math.sqrt(2))
    variance = HUDDLE_STD**2 * (1 - 2 * b * density / mass)
    places = huddled_places(200_000, generator())
    # 400,000 normal draws: the variance has a relative standard error of sqrt(2 / 4e5) = 0.2%
    assert places.var().item() == pytest.approx(variance, rel=0.01)
    assert places.mean().item() == pytest.approx(0.5, abs=5 * HUDDLE_STD / math.sqrt(4e5))
    assert PLACE_LOW <= places.min() and places.max() <= PLACE_HIGH


def test_distributions_differ_where_they_should():
    subject = random_subjects(PAINTED, 20_000, generator())
    flat, skewed = max_diversity(PAINTED, subject, generator(1)), popular(PAINTED, subject, generator(2))
    flat_shares, skewed_shares = (torch.bincount(s.artist, minlength=20) / len(s) for s in (flat, skewed))
    # standard error of a share is below sqrt(p / 20000) = 0.004
    assert (flat_shares - 0.05).abs().max() < 0.01
    assert (skewed_shares - popular_shares(PAINTED)).abs().max() < 0.02
    assert flat.place.std(0).mean() > 2 * skewed.place.std(0).mean()
    for s in (flat, skewed):
        assert SIZE_LOW <= s.size.min() and s.size.max() <= SIZE_HIGH
        assert torch.equal(s.subject, subject)


def test_scenes_repeat_by_seed():
    subject = random_subjects(PAINTED, 7, generator())
    pairs = zip(
        popular(PAINTED, subject, generator(3)).columns(),
        popular(PAINTED, subject, generator(3)).columns(),
        strict=True,
    )
    assert all(torch.equal(a, b) for a, b in pairs)
