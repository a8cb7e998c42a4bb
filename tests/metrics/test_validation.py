"""The study of the metrics: what it asks of tables whose answer is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.metrics.dialled import value, values
from analysis.stages.sensitivity import matrix, mean_with_interval, rank_correlations, seen, smallest_step
from analysis.stages.sizes import least_n, ranking_errors
from pipeline.encoders import evaluation_encoder
from pipeline.profile.dial_settings import read_settings
from pipeline.sets.feature_sets import SPACES
from pipeline.stages.dials import dialled, sets_of
from pipeline.world.worlds import PAINTED
from repulsion.core.errors import BadInput
from repulsion.tensors.noise import keyed_generator

ROOT = Path(__file__).parents[2]
FILE = ROOT / "profiles" / "validation" / "params.yaml"
SETTINGS = read_settings(FILE)
FULL = {"artists": 20.0, "places": 1.0, "corruption": 0.0}


def test_dials_turn_one_factor_and_no_other():
    """Read by the encoder: artists counted, places measured, noise seen as a difference."""
    encoder = evaluation_encoder.load(ROOT / SETTINGS.encoder, PAINTED)
    reading = {}
    for name, dial in {"full": {}, "artists": {"artists": 3}, "places": {"places": 0.3}}.items():
        images = dialled(PAINTED, "vase", 200, FULL | dial, keyed_generator(0, name, 0))
        reading[name] = encoder.read(images)
    counts = {name: len(r.artist.argmax(1).unique()) for name, r in reading.items()}
    spread = {name: r.place.std(0).mean().item() for name, r in reading.items()}
    assert counts["full"] == counts["places"] == 20 and counts["artists"] == 3
    assert spread["places"] == pytest.approx(0.3 * spread["full"], rel=0.15)
    assert spread["artists"] == pytest.approx(spread["full"], rel=0.15)
    clean, noisy = (
        dialled(PAINTED, "vase", 8, FULL | {"corruption": c}, keyed_generator(0, "c", 0)) for c in (0.0, 0.2)
    )
    assert (clean.float() - noisy.float()).square().mean().sqrt().item() / 255 == pytest.approx(0.2, abs=0.04)


def test_every_set_is_full_but_for_its_dial():
    p = SETTINGS
    sets = sets_of("dials", p)
    assert len(sets) == p.repeats * (1 + sum(map(len, p.dials.values())))
    assert sets["reference-0"] == (p.images, FULL) and sets["artists-2-0"] == (p.images, FULL | {"artists": 1.0})
    assert {name for name in sets_of("sizes", p)} == {"reference", "full", "artists", "places"}


def test_bad_dials(tmp_path):
    text = FILE.read_text()
    for old, new, message in (
        ("places: [0.0, 0.2", "places: [0.4, 0.2", "dials: places: expected at least 3 rising positions"),
        ("  corruption: [", "  blur: [", "dials: expected artists, places, corruption, got artists, places, blur"),
        ("n: [16, 32", "n: [32, 16", "sizes: n: expected rising numbers"),
    ):
        assert old in text
        (tmp_path / "params.yaml").write_text(text.replace(old, new))
        with pytest.raises(BadInput, match=message):
            read_settings(tmp_path / "params.yaml")


def test_rank_correlation_by_hand():
    runs = [[1.0, 2, 3], [2, 5, 9], [3, 2, 1], [1, 1, 1]]
    assert rank_correlations(np.array(runs)).tolist() == pytest.approx([1, 1, -1, 0])
    assert np.isnan(rank_correlations(np.array([[1.0, np.nan, 1], [1, 2, 3]]))).all()


def test_a_mean_correlation_s_interval_is_over_repeats_and_not_over_subjects():
    assert mean_with_interval(np.array([[1.0, 1], [0, 0]])) == pytest.approx((0.5, 0.5, 0.5))
    mean, low, high = mean_with_interval(np.array([[1.0, 0], [0, 0]]))
    # the first subject's mean is 0, 1/2 or 1, stretched by the root of 2
    assert (mean, low, high) == pytest.approx((0.25, 0.25 - 2**0.5 / 4, 0.25 + 2**0.5 / 4))
    assert np.isnan(mean_with_interval(np.array([[1.0]]))[1:]).all()
    assert np.isnan(mean_with_interval(np.full((2, 2), np.nan))).all()


def test_the_smallest_step_is_one_that_every_larger_turn_confirms():
    positions = np.array([0.0, 0.5, 0.8, 1.0])
    runs = np.array([[5.0, 3, 1.5, 1], [5, 3, 1.5, 1]])
    assert smallest_step(runs, positions, 3) == pytest.approx(0.2)
    runs[1, 2] = 0.5  # at 0.8 one of two runs goes the other way
    assert smallest_step(runs, positions, 3) == pytest.approx(0.5)
    runs[:, 1] = 0.5, 3  # and what is shown beyond a turn that is not, counts
    assert smallest_step(runs, positions, 3) == pytest.approx(1.0)
    assert np.isnan(smallest_step(np.array([[1.0, 1, 1, 1]]), positions, 3))


def test_shares_are_of_the_range_that_a_space_should_see():
    p = SETTINGS
    rows = [
        (s, 0, dial, x, "mmd", "location", {"places": -10 * x, "artists": -0.01 * x, "corruption": x}[dial])
        for s in ("a", "b")
        for dial, positions in p.dials.items()
        for x in positions
    ]
    curves = pd.DataFrame(rows, columns=["subject", "repeat", "dial", "position", "metric", "space", "value"])
    table = matrix(curves, p).set_index("dial")
    assert table.loc["places", "rho"] == pytest.approx(-1) and table.loc["places", "share"] == 1
    assert table.loc["artists", "share"] == pytest.approx(0.19 / 10)
    assert (seen("mmd", "gram_centred"), seen("mmd", "general"), seen("place_spread", "")) == ("artists", "", "places")


def test_ranking_errors_and_the_least_n_by_hand():
    rows = []
    for n, full, less in ((16, [1.0, 3.0], 2.0), (64, [1.0, 1.0], 2.0), (256, [1.0, 1.0], 2.0)):
        for repeat, value_ in enumerate(full):
            rows += [("cat", n, repeat, "full", "mmd", "style", value_)]
            rows += [("cat", n, repeat, name, "mmd", "style", less) for name in ("artists", "places")]
    columns = ["subject", "n", "repeat", "set", "metric", "space", "value"]
    errors = ranking_errors(pd.DataFrame(rows, columns=columns))
    artists = errors[errors["factor"] == "artists"].set_index("n")
    assert artists["error"].to_dict() == {16: 0.5, 64: 0, 256: 0} and artists.loc[16, "bias"] == 1.0
    assert least_n(errors, "e")["n"].tolist() == [64, 64]
    errors.loc[errors["n"] == 256, "error"] = 0.5  # right once and wrong again: no n is enough
    assert least_n(errors, "e")["n"].isna().all()


def test_a_metric_without_a_value_is_nan():
    def metric(x):
        raise BadInput("no")

    assert np.isnan(value(metric, 1))
    rng = np.random.default_rng(0)
    spaces = (*SPACES, "location_border", "gram_centred")
    one = {space: rng.normal(size=(12, 5)) for space in (*spaces, "style_middle")}
    one |= {"subject": rng.normal(size=(12, 12)), "artist": rng.normal(size=(12, 20))}
    one |= {"place": rng.random((12, 2)), "render_error": np.full((4, 1), 0.25)}
    found = values(one, one, 0)
    assert found[("render_error", "")] == 0.25 and found[("frechet", "gram_centred")] == pytest.approx(0, abs=1e-9)
