"""The page's parts: definitions, the finding, the budget of pictures, cells of tables, the scatter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from end_to_end import ROOT

from analysis.estimates.estimates import Estimate
from analysis.paper.definitions import DEFINITIONS, SPACES, meaning
from analysis.paper.labels import SPACE_LABELS
from analysis.paper.web.finding import Number, finding
from analysis.paper.web.methods import Measured, opening
from analysis.paper.web.scatter import FARTHEST, overlap, place, scatter
from analysis.paper.web.sheets import STEPS, fitting, sheet, size_of
from analysis.paper.web.tables import Cell, read_cells, table
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput


@pytest.fixture
def study(monkeypatch) -> Study:
    monkeypatch.chdir(ROOT)
    return read_profile(Path("params.yaml"), Study)


def estimate(value: float, spread: float = 0.01) -> Estimate:
    return Estimate(value, value + spread * np.linspace(-1, 1, 101))


def method(name: str, gain: float, used: float = 0.5, held: bool = True, **changes) -> Measured:
    counts = {"effective_artists": estimate(10 * gain)}
    one = Measured(name, True, estimate(gain), {"general": estimate(gain)}, counts, used, held, 1.5, True)
    return replace(one, **changes)


@pytest.mark.parametrize(
    "column,metric,expected",
    [
        ("general", "gap", ("gap", "general")),
        ("location_shape", "frechet", ("frechet", "location_shape")),
        ("gap style", "", ("gap", "style")),
        ("thesis location", "gap_frechet", ("thesis", "location")),
        ("mmd general p", "", ("p value", "")),
        ("mmd location_shape", "", ("mmd", "location_shape")),
        ("style, flow transformer", "gap", ("gap", "style")),
        ("U-Net", "claim", ("claim", "")),
        ("precision to truth", "", ("precision", "")),
        ("subject_accuracy less plain", "", ("subject_accuracy", "")),
        ("subject accuracy", "", ("subject_accuracy", "")),
        ("artists in 30", "", ("artists", "")),
        ("images for plain's artists", "", ("images for plain's artists", "")),
    ],
)
def test_what_a_column_is(column, metric, expected):
    assert meaning(column, metric) == expected


def test_a_column_that_nobody_described_is_an_error():
    with pytest.raises(KeyError, match="charm"):
        meaning("charm of the images")
    assert list(SPACES) == list(SPACE_LABELS)
    assert not [key for key, one in DEFINITIONS.items() if one.better not in ("more", "less", "")]


def test_the_finding_has_two_sentences_and_four_numbers(study):
    plain = method("plain", 0.0, 0.0, passes=1.0, repels=False)
    found = [
        plain,
        method("latent", 0.5),
        method("langevin", 0.9, held=False),
        method("max_div2", 1.0, is_method=False),
    ]
    sentences = finding(found, study, "artist")
    numbers = [part for s in sentences for part in s if isinstance(part, Number)]
    words = " ".join(part for s in sentences for part in s if isinstance(part, str))
    assert len(sentences) == 2 and [n.text for n in numbers] == ["50%", "5.00", "0", "1.50"]
    assert numbers[0].printed == "0.500 [0.490, 0.510]" and numbers[0].of == "latent" and "told the artist" in words
    assert "repel each other" in words and opening(found, study) == "latent"
    found[1] = replace(found[1], repels=False, counts={})
    words = " ".join(part for s in finding(found, study) for part in s if isinstance(part, str))
    assert "repel each other" not in words and "artists" not in words and "told" not in words


@pytest.mark.parametrize(
    "changes,said,first",
    [
        ({"held": False}, "but does not hold every margin", "latent"),
        ({"gain": Estimate(0.1, np.linspace(-0.2, 0.4, 101))}, "with an interval down to 0", "latent"),
        ({"gain": estimate(-0.1)}, "No method is more diverse than plain sampling", "latent"),
        ({"gain": estimate(np.nan)}, "no farther from the reference", "style_and_place"),
    ],
)
def test_where_nothing_is_found_the_page_says_so(study, changes, said, first):
    found = [method("plain", 0.0, 0.0), replace(method("latent", 0.5), **changes)]
    words = " ".join(part for s in finding(found, study) for part in s if isinstance(part, str))
    assert said in words and "closes 5" not in words and opening(found, study) == first


def test_pictures_are_made_to_fit_a_budget():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3), dtype=np.uint8)
    images = {"vase": {"plain": noise, "latent": noise[:20]}}

    def size(shown: int, quality: int) -> int:
        return sum(len(sheet(of[:shown], quality)) for of in images["vase"].values())

    for shown, quality in STEPS:
        sheets, number = fitting(images, size(shown, quality))
        assert number == shown and sum(map(len, sheets["vase"].values())) == size(shown, quality)
    with pytest.raises(BadInput, match="bytes at most"):
        fitting(images, size(*STEPS[-1]) - 1)
    assert size_of(noise, 32) == (256, 128) and size_of(noise[:20], 32) == (256, 96) and size_of(noise, 8) == (256, 32)


def test_cells_have_their_values_and_what_is_printed(tmp_path):
    (tmp_path / "one.csv").write_text("set,a,a low,a high,b,within\nx,1.25,1,2,,True\ny,-3,-4,-2,7,False\n")
    (tmp_path / "one.shown.csv").write_text(
        'set,a,b,within\nx,"1.25 [1.00, 2.00]",-,yes\ny,"-3.00 [-4.00, -2.00]",7,no\n'
    )
    head, cells = read_cells(tmp_path, "one", "dvc repro")
    assert head == ["set", "a", "b", "within"] and [c.text for c in cells[1]] == [
        "y",
        "-3.00 [-4.00, -2.00]",
        "7",
        "no",
    ]
    assert cells[0][1].value == 1.25 and cells[0][1].parts == ("1.25", "[1.00, 2.00]")
    assert np.isnan(cells[0][2].value) and cells[0][2].sorts_by == "" and cells[0][3] == Cell("yes")
    found = table("one", "", "", ["set", "gain", "gap style", "within"], cells, by=("within",), sets=("x",))
    assert [c.key for c in found.columns] == ["", "gain", "gap", ""] and [r.name for r in found.rows] == ["x", ""]
    assert [(f.title, f.choices, f.column) for f in found.filters] == [("within", ["yes", "no"], 3)]
    (tmp_path / "one.csv").write_text("set,a\nx,1,2\n")
    with pytest.raises(BadInput, match="lines of one length; dvc repro makes it"):
        read_cells(tmp_path, "one", "dvc repro")


def test_the_scatter_is_drawn_to_scale():
    found = [method("plain", 0.0, 0.0), method("a", 0.5, 1.0), method("far", 0.25, 40.0), method("none", np.nan)]
    drawn = scatter(found, "plain", "wide", 800, 400)
    at = {point.name: point for point in drawn.points}
    assert set(at) == {"plain", "a", "far"} and at["plain"].kind == "baseline" and "more" in at["far"].text
    assert at["a"].x == drawn.margin and at["plain"].y == drawn.zero
    assert (at["far"].x - at["plain"].x) / (at["a"].x - at["plain"].x) == pytest.approx(FARTHEST, abs=0.01)
    assert at["a"].y - at["plain"].y == pytest.approx(2 * (at["far"].y - at["plain"].y), abs=0.3)
    assert at["a"].low > at["a"].y > at["a"].high


def test_labels_do_not_lie_on_each_other():
    frame, taken = (0.0, 0.0, 300.0, 100.0), []
    spots = [place(150.0, 50.0, "a label", taken, frame) for _ in range(9)]
    assert [spot[3] for spot in spots].count(True) == len(taken) > 2
    assert not [1 for k, one in enumerate(taken) for other in taken[:k] if overlap(one, other)]
