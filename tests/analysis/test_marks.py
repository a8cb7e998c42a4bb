"""Which metrics carry a mark: those that rank sets wrongly at a profile's number of images."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.estimates import marks
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile

ROWS = [
    ("mmd", "style", "artists", 64),
    ("mmd", "style", "places", None),  # style should not see places
    ("mmd", "location", "places", 512),
    ("frechet", "general", "artists", 120),
    ("frechet", "general", "places", 512),
    ("kid", "general", "artists", None),
    ("kid", "general", "places", None),
]


@pytest.fixture
def study(monkeypatch) -> Study:
    whole = read_profile(Path(__file__).parents[2] / "params.yaml", Study)  # 4 sets of 30: 120 images
    rows = [(whole.encoder.weights, *row) for row in ROWS]
    table = pd.DataFrame(rows, columns=["encoder", "metric", "space", "factor", "n"])
    monkeypatch.setattr(marks, "least", lambda path: table)
    return whole


def test_a_metric_is_weak_below_its_least_n(study):
    weak = {(m, s): marks.weak(study, m, s) for m, s, _, _ in ROWS}
    assert weak == {
        ("mmd", "style"): False,
        ("mmd", "location"): True,
        ("frechet", "general"): True,  # sees one of the two factors: at 120 not the other
        ("kid", "general"): True,
    }


def test_nothing_is_said_of_what_was_not_studied(study):
    assert marks.weak(study, "precision", "general") is None
    other = replace(study, encoder=replace(study.encoder, weights="models/inception"))
    assert marks.weak(other, "kid", "general") is None
