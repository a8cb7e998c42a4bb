import numpy as np
import pytest

from analysis.metrics import truth
from pipeline.world_model import statistics

LOG = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]))


def test_by_hand():
    assert truth.artist_shares(LOG).tolist() == [0.5, 0.25, 0.25]
    assert truth.effective_artists(LOG) == pytest.approx(np.exp(1.5 * np.log(2)))
    assert truth.subject_accuracy(LOG, 0) == 0.5
    assert truth.confidence(LOG) == pytest.approx((0.7 + 0.8 + 0.6 + 0.6) / 4)
    assert truth.place_spread(np.array([[0.0, 0.5], [1.0, 0.5]])) == pytest.approx(0.5)


def test_one_artist_and_all_alike():
    assert truth.effective_artists(LOG[:1]) == 1
    assert truth.effective_artists(np.log(np.eye(20) + 1e-9)) == pytest.approx(20)


def test_agrees_with_the_statistics_behind_the_model_s_card():
    import torch

    rng = np.random.default_rng(0)
    reading, place = rng.standard_normal((200, 20)), rng.random((200, 2))
    artist = torch.from_numpy(reading.argmax(1))
    assert truth.effective_artists(reading) == pytest.approx(statistics.effective_number(artist), rel=1e-5)
    assert truth.place_spread(place) == pytest.approx(
        statistics.place_spread(torch.from_numpy(place).float()), rel=1e-5
    )


def test_places_are_counted_in_cells_of_the_world_s_range():
    from pipeline.world.scene import PLACE_HIGH, PLACE_LOW

    assert truth.PLACES == (PLACE_LOW, PLACE_HIGH)
    step = (PLACE_HIGH - PLACE_LOW) / truth.CELLS
    place = np.array([[PLACE_LOW + step / 2, PLACE_LOW + 1.5 * step], [PLACE_HIGH + 1, PLACE_LOW - 1], [0.0, 0.0]])
    assert truth.place_cells(place).tolist() == [1, (truth.CELLS - 1) * truth.CELLS, 0]
    assert truth.place_coverage(place) == 3 / truth.CELLS**2
    assert truth.place_coverage(np.repeat(place[:1], 9, axis=0)) == 1 / truth.CELLS**2
