"""Quality margins, control, efficiency, the sweep's choice and the findings, on numbers made by hand."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.estimates.claims.claim import Evidence, verdict
from analysis.estimates.claims.thesis import CLAIMS, published
from analysis.estimates.control import own_part
from analysis.estimates.efficiency import Curve, by_rotation, curve, different, first_reaching, images_for, recognised
from analysis.estimates.estimates import Estimate, gains
from analysis.estimates.quality import margin_estimates, within
from analysis.stages.sweep import chosen, family
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput


def estimate(value: float, spread: float = 0.0) -> Estimate:
    return Estimate(value, value + spread * np.linspace(-1, 1, 101))


@pytest.mark.parametrize(
    "difference,margin,held",
    [
        (estimate(-0.01), -0.02, True),
        (estimate(-0.03), -0.02, False),
        (estimate(-0.01, 0.02), -0.02, False),  # the interval crosses the margin
        (estimate(0.5), -0.02, True),
        (estimate(0.01), 0.02, True),  # a positive margin is one of a metric that grows worse
        (estimate(0.03), 0.02, False),
        (Estimate(0.0, np.full(5, np.nan)), -0.02, False),
    ],
)
def test_a_margin_holds_with_the_whole_interval(difference, margin, held):
    assert within(difference, margin) is held


def test_a_margin_with_a_typing_error_is_no_margin_that_always_holds():
    study = read_profile(Path(__file__).parents[2] / "params.yaml", Study)
    typo = replace(study, analysis=replace(study.analysis, margins={"subject_acuracy": -0.03}))
    with pytest.raises(
        BadInput, match="unknown metric of analysis.margins: 'subject_acuracy'; expected one of frechet"
    ):
        margin_estimates(pd.DataFrame({"metric": []}), typo)


def test_own_part_by_hand():
    parts = {"location": estimate(0.3), "style": estimate(0.1)}
    assert own_part(parts, "location").value == pytest.approx(0.75) == own_part(parts, "location").interval[0]
    assert own_part(parts | {"style": estimate(-0.1)}, "location").value == 1  # a loss is no effect
    assert math.isnan(own_part({"location": estimate(0.0), "style": estimate(-1.0)}, "style").value)


def test_different_values_among_the_first_images():
    assert different(np.array([3, 3, -1, 5, 3, 7])).tolist() == [1, 1, 1, 2, 2, 3]
    assert different(np.array([-1, -1])).tolist() == [0, 0]
    sets = np.array([[1, 1], [2, 3]])
    assert by_rotation(sets).tolist() == [[1, 1, 2, 3], [1, 2, 3, 3]]
    found = curve(sets[None])
    assert found.value.tolist() == [1, 1.5, 2.5, 3]
    one = found.at(2)
    assert one.value == 1.5 and one.interval == pytest.approx((1.5 - 2**0.5 / 2, 1.5 + 2**0.5 / 2))
    # of the number in all images only that without a set is known, as far as its images go
    assert found.at(4).interval == pytest.approx((3 - 2**0.5 / 2, 3 + 2**0.5 / 2))
    assert np.isnan(curve(sets[None, :1]).at(1).interval).all()  # one set says nothing of its spread


def test_the_number_in_one_set_is_a_mean_over_sets():
    sets = np.random.default_rng(0).integers(8, size=(3, 5, 6))
    each = np.array([[different(one)[-1] for one in of_prompt] for of_prompt in sets])
    found = curve(sets).at(6)
    assert found.value == pytest.approx(each.mean())
    assert found.draws.std() == pytest.approx(np.sqrt((each.var(1, ddof=1) / 5).sum()) / 3, rel=0.03)


def test_images_that_it_takes():
    counts = np.array([[1.0, 1.5, 2.0], [1.0, 2.0, 2.0], [1.0, 1.0, 1.0]])
    assert first_reaching(counts, np.array([1.5, 1.5, 1.5])).tolist() == [2, 2, np.inf]
    plain = Curve(np.array([1.0, 1.2, 1.5]), np.array([[1.0, 1.2, 1.5]]).repeat(100, axis=0))
    method = Curve(counts[0], counts[[0] * 90 + [1] * 9 + [2]])
    needed = images_for(method, plain)
    assert needed.value == 2 and needed.interval == (2, 2)
    never = images_for(replace(method, draws=counts[[0] * 90 + [2] * 10]), plain)
    assert never.interval[0] == 2 and math.isnan(never.interval[1])  # in a tenth of the resamples none is enough
    assert math.isnan(images_for(Curve(counts[2], counts[[2] * 100]), plain).value)
    alone = images_for(method, Curve(plain.value, np.full((1, 3), np.nan)))
    assert alone.value == 2 and np.isnan(alone.interval).all()


def test_only_what_reads_right_and_surely_is_recognised():
    subject = np.log(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    artist = np.log(np.array([[0.7, 0.3], [0.7, 0.3], [0.34, 0.33]]))
    assert recognised({"subject": subject, "artist": artist}, 0).tolist() == [True, False, False]


def test_family_and_gain():
    assert family("style_classifier-20") == ("style_classifier", "20") and family("plain") == ("plain", "")
    gaps = {space: {"a": estimate(v, 0.1)} for space, v in (("general", 0.3), ("location", 0.6), ("style", 0.0))}
    found = gains(gaps)["a"]
    assert found.value == pytest.approx(0.3) and found.interval[1] > 0.38


def test_the_largest_gain_within_the_margins_is_chosen():
    rows = [
        ("a", "10", 0.2, True),
        ("a", "20", 0.4, True),
        ("a", "30", 0.9, False),
        ("a", "alpha1000", 0.8, True),  # a raw strength is no choice
        ("b", "10", 0.1, False),
        ("c", "5", np.nan, np.nan),  # a row that failed
    ]
    table = pd.DataFrame(rows, columns=["family", "strength", "gain", "within"])
    table = table.assign(row=table["family"] + "-" + table["strength"], **{"gain low": 0.0, "gain high": 1.0})
    assert chosen(table)["row"].tolist() == ["a-20"]


def test_verdicts():
    assert [verdict(estimate(v, 0.1)) for v in (0.2, -0.2, 0.05)] == ["holds", "does not hold", "undecided"]
    assert verdict(Estimate(1.0, np.full(3, np.nan))) == "no interval"


def test_the_thesis_s_own_numbers_by_hand():
    """From its published means: 44.60, 41.99, 3.31 (general), and for location 82.16, 70.82, 76.21, 1.54."""
    evidence: Evidence = published("plain")
    numbers = {claim.text: claim.number for claim in CLAIMS}
    first = numbers["Repelling particles makes samples more diverse (style classifier)"](evidence)
    assert first.value == pytest.approx((44.60 - 41.99) / (44.60 - 3.31), rel=0.01) and np.isnan(first.interval[0])
    leads = numbers["Rule of thirds leads them in location"](evidence)
    assert leads.value == pytest.approx((76.21 - 70.82) / (82.16 - 1.54), rel=0.01)
    assert numbers["Rule of thirds acts on location first"](evidence).value < 0  # by its own numbers it does not
    with pytest.raises(KeyError):
        numbers["Repulsion keeps the subject (style classifier)"](evidence)
