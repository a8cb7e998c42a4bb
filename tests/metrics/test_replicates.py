"""Every metric of shared matrices agrees with the metric of arrays, of all rows and without each part."""

import numpy as np
import pytest

from analysis.metrics.frechet import ENOUGH, frechet, root_traces, root_traces_by_triangles
from analysis.metrics.kid import kid
from analysis.metrics.metrics import AGAINST, ALONE, PAIRED
from analysis.metrics.mmd import mmd, mmd_of_pairs
from analysis.metrics.neighbours import coverage, density, nearest_distance, precision, recall
from analysis.metrics.samples import Sample, TwoSamples
from analysis.metrics.similarity import mean_similarity, rke, vendi

OF_ARRAYS = {
    "frechet": frechet,
    "mmd": mmd,
    "kid": kid,
    "precision": precision,
    "recall": recall,
    "density": density,
    "coverage": coverage,
    "nearest_distance": nearest_distance,
    "mean_similarity": mean_similarity,
    "rke": rke,
    "vendi": vendi,
}
# own rows, other rows, columns: few rows, few columns, many of both, and one side with few
SHAPES = [(47, 61, 301), (47, 61, 9), (601, 347, 263), (31, 397, 263)]


def two_samples(n: int, m: int, d: int, seed: int = 0) -> TwoSamples:
    """Rows far from the origin, in parts of unequal sizes that do not lie together."""
    rng = np.random.default_rng(seed)
    widths = (1 + np.arange(d)) ** -0.5
    own, other = rng.standard_normal((n, d)) * widths + 3, 1.3 * rng.standard_normal((m, d)) * widths + 3.1
    return TwoSamples(Sample(own, rng.integers(3, size=n)), Sample.whole(other))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", AGAINST)
def test_against_another_set(name, shape):
    pair = two_samples(*shape)
    expected = [OF_ARRAYS[name](pair.own.x[keep], pair.other.x) for keep in pair.own.kept]
    found = AGAINST[name](pair)
    of_rounded_products = name == "frechet" and shape == (601, 347, 263)
    assert found.shape == (4,) and found == pytest.approx(expected, rel=ENOUGH if of_rounded_products else 1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ALONE)
def test_of_one_set(name, shape):
    own = two_samples(*shape).own
    assert ALONE[name](own) == pytest.approx([OF_ARRAYS[name](own.x[keep]) for keep in own.kept], rel=1e-9)


def test_of_pairs_of_rows():
    own = two_samples(47, 61, 301).own
    other = own.x + 0.3 * np.random.default_rng(1).standard_normal(own.x.shape)
    expected = [mmd_of_pairs(np.hstack([own.x, other])[keep]) for keep in own.kept]
    assert PAIRED["drift"](TwoSamples(own, Sample(other, own.parts))) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", AGAINST)
def test_without_parts_there_is_one_value(name):
    pair = two_samples(47, 61, 9)
    assert AGAINST[name](TwoSamples(Sample.whole(pair.own.x), pair.other)).shape == (1,)


def test_where_a_covariance_has_no_root_every_value_is_the_exact_way_s():
    pair = two_samples(601, 347, 263)
    pair.other.x[:, 1] = 0
    far = np.full(4, 1e6)  # a distance beside which no rounding counts
    assert root_traces(pair, far) == pytest.approx(root_traces_by_triangles(pair), rel=1e-12)


# By the first version of the metrics, which took differences of rows, one replicate after the other.
GOLDEN = {
    "frechet": [0.46019807, 0.6256957, 0.53663873, 0.47861177],
    "mmd": [0.0073538347, 0.0021414767, 0.0091045945, 0.004640668],
    "kid": [3.8126356, 2.9282059, 3.9606363, 2.228308],
    "precision": [0.9787234, 0.96, 0.97058824, 1],
    "recall": [0.83606557, 0.8852459, 0.78688525, 0.80327869],
    "density": [1.5361702, 1.536, 1.6294118, 1.4457143],
    "coverage": [1, 0.95081967, 1, 0.95081967],
    "nearest_distance": [1.1984539, 1.1929796, 1.1665855, 1.2333221],
    "mean_similarity": [0.96934087, 0.96855007, 0.97105892, 0.96786693],
    "rke": [1.0638864, 1.0655599, 1.0602305, 1.0670736],
    "vendi": [1.2064348, 1.204524, 1.1938011, 1.2134633],
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name):
    pair = two_samples(47, 61, 9)
    found = AGAINST[name](pair) if name in AGAINST else ALONE[name](pair.own)
    assert found == pytest.approx(GOLDEN[name], rel=1e-7)
