"""Which images are left out together, and what stands where a metric has no value."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from analysis.figures.images.pairs import extremes
from analysis.figures.results.pairwise_distances import STEPS, shares_below
from analysis.metrics.metrics import AGAINST, ALONE, READINGS
from analysis.metrics.samples import Sample, TwoSamples
from analysis.stages.distances import of_prompt, value_or_reason
from analysis.study.rows import Key, keys_of, particle_set
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from pipeline.profile.prompts import Prompt
from pipeline.sets.feature_sets import SPACES, FeatureSet
from repulsion.core.errors import BadInput

KEY = Key("vase", "frechet", "general", "max_div")


@pytest.fixture
def profile():
    whole = read_profile(Path(__file__).parents[2] / "params.yaml", Study)
    references = {name: replace(p, images_per_artist=1) for name, p in whole.reference_sets.items()}
    sampling = replace(whole.sampling, particles=10, sets_per_prompt=2)
    return replace(whole, sampling=sampling, reference_sets=references)


def test_a_method_s_parts_are_its_particle_sets_and_a_reference_s_are_dealt_out(profile):
    index = np.arange(20)
    assert particle_set(profile, "langevin", index).tolist() == [0] * 10 + [1] * 10
    assert particle_set(profile, "max_div", index).tolist() == [0, 1] * 10


def test_the_first_value_is_of_all_rows_and_the_others_are_without_each_part():
    assert value_or_reason(lambda key: np.array([16.0, 13.0, 3.0]), KEY) == (16.0, (13.0, 3.0), "")
    assert value_or_reason(lambda key: np.array([16.0]), KEY) == (16.0, (), "")


def test_a_metric_without_a_value_is_a_row_with_the_reason():
    def metric(key):
        raise BadInput("too few rows")

    assert value_or_reason(metric, KEY) == (None, (), "too few rows")


def feature_set(n: int, shift: float = 0.0) -> FeatureSet:
    """n images of one prompt with vectors in every space and readings of four artists."""
    rng = np.random.default_rng(n)
    vectors = {space: rng.standard_normal((n, 6)) + shift for space in SPACES}
    vectors |= {name: np.log(rng.dirichlet(np.ones(4), n)) for name in ("subject", "artist")}
    vectors |= {"place": rng.random((n, 2)), "render_error": rng.random((n, 1))}
    classes = {"subject": np.array(["vase", "cat", "tree", "cave"]), "artist": np.array(list("abcd"))}
    return FeatureSet("any", "0" * 64, "painted_world 1", classes, np.full(n, "vase"), np.arange(n), vectors)


def test_the_rows_of_a_prompt_are_every_metric_where_it_is_asked_for(profile):
    own, prompt = feature_set(20), Prompt("vase", "a painting of a vase", "test", subject="vase")
    others = {"truth": feature_set(15), "max_div": feature_set(30), "plain": feature_set(20, 0.5)}
    rows = of_prompt(profile, "langevin", prompt, own, others)
    found = {(r.metric, r.space, r.against): r for r in rows}
    against = [(m, "general", "truth") for m in AGAINST] + [(m, s, "max_div") for m in AGAINST for s in SPACES]
    alone = [(m, s, "") for m in ALONE for s in SPACES] + [(m, "", "") for r in READINGS for m in READINGS[r]]
    assert len(rows) == len(found) and set(found) == {*against, *alone, ("drift", "general", "plain")}
    assert [row.key for row in rows] == list(keys_of(profile, "langevin", [prompt]))
    for (metric, space, other), row in found.items():
        assert row.value is not None and len(row.left_out) == 2, row.reason
        if other == "max_div":
            x, y = own.vectors[space], others[other].vectors[space]
            values = [AGAINST[metric](TwoSamples.whole(part, y))[0] for part in (x, x[10:], x[:10])]
            assert [row.value, *row.left_out] == pytest.approx(values)


def test_a_reference_is_compared_with_others_and_a_prompt_without_a_subject_has_no_accuracy(profile):
    keys = list(keys_of(profile, "max_div", [Prompt("odd", "anything", "test")]))
    assert {key.against for key in keys} == {"", "truth"} and len(keys) == len(set(keys))
    assert "subject_accuracy" not in {key.metric for key in keys} and "drift" not in {key.metric for key in keys}
    plain = {key.against for key in keys_of(profile, "plain", [Prompt("odd", "anything", "test")])}
    assert plain == {"", "truth", "max_div"}


def test_shares_of_pairs_below_a_distance():
    x, parts = np.random.default_rng(0).standard_normal((31, 3)), np.arange(31) % 4
    sample = Sample(x, parts)
    reach = pdist(x).max()
    steps = np.linspace(0, reach, STEPS + 1)[1:]
    for keep, shares in zip(sample.kept, shares_below(sample, reach), strict=True):
        pairs = pdist(x[keep])
        assert shares[:-1] == pytest.approx([(pairs < step).mean() for step in steps[:-1]]) and shares[-1] == 1
    assert shares_below(Sample.whole(x), reach).shape == (1, STEPS)


def test_nearest_and_farthest_pair_by_hand():
    assert extremes(np.array([[0.0], [5.0], [5.5], [9.0]])) == [(1, 2), (0, 3)]
