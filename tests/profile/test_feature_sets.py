from dataclasses import replace

import numpy as np
import pytest

from pipeline.encoders.encoders import ENCODERS
from pipeline.sets.feature_sets import READS, SPACES, FeatureSet, read_features, require_same_spaces, write_features
from repulsion.core.errors import BadInput

IDS = ["p", "q", "p", "NA"]


def features(**changes) -> FeatureSet:
    """Four images of three prompts, in arrays of different widths."""
    vectors = {space: np.full((4, k + 2), 0.5, np.float32) for k, space in enumerate(SPACES)}
    vectors |= {"general": np.arange(8, dtype=np.float32).reshape(4, 2)}
    vectors |= {"subject": np.zeros((4, 3), np.float32), "artist": np.zeros((4, 2), np.float32)}
    vectors |= {"place": np.ones((4, 2), np.float32), "render_error": np.ones((4, 1), np.float32)}
    classes = {"subject": np.array(["x", "y", "z"]), "artist": np.array(["a", "b"])}
    made = FeatureSet("plain", "0" * 64, "painted_world 1", classes, np.array(IDS), np.array([1, 0, 0, 0]), vectors)
    return replace(made, **changes)


def with_vectors(**arrays) -> FeatureSet:
    return features(vectors=features().vectors | arrays)


def test_every_encoder_says_what_it_reads():
    assert set(READS) == set(ENCODERS)


def test_what_is_written_is_read_with_the_same_bytes(tmp_path):
    for name in ("one.npz", "two.npz"):
        write_features(tmp_path / name, features())
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    found = read_features(tmp_path / "one.npz")
    assert (found.name, found.manifest, found.encoder) == ("plain", "0" * 64, "painted_world 1")
    assert found.classes["artist"].tolist() == ["a", "b"]
    assert found.prompt_id.tolist() == IDS and set(found.vectors) == set(features().vectors)
    assert found.of("p")["general"].tolist() == [[4, 5], [0, 1]]  # in the order of the indices
    assert found.of("p")["general"].dtype == np.float64 and len(found.of("nobody")["general"]) == 0


def test_bytes_do_not_depend_on_the_order_in_which_arrays_come(tmp_path):
    """Kept micro-batches are read in alphabetical order."""
    write_features(tmp_path / "one.npz", features())
    whole = features()
    vectors = {name: whole.vectors[name] for name in sorted(whole.vectors)}
    classes = {name: whole.classes[name] for name in sorted(whole.classes)}
    write_features(tmp_path / "two.npz", features(vectors=vectors, classes=classes))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_missing_and_truncated(tmp_path):
    with pytest.raises(BadInput, match="no such feature file"):
        read_features(tmp_path / "none.npz")
    path = tmp_path / "set.npz"
    write_features(path, features())
    for content in (path.read_bytes()[:400], b"", b"PK"):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="cannot be read .* run dvc repro again"):
            read_features(path)
    np.savez(path, index=np.arange(4), general=np.ones((4, 2)))
    with pytest.raises(BadInput, match="cannot be read"):
        read_features(path)


def arrays(tmp_path) -> dict[str, np.ndarray]:
    """What a whole file holds, in its order."""
    write_features(tmp_path / "whole.npz", features())
    with np.load(tmp_path / "whole.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize(
    "change,message",
    [
        ({"style": None}, "has general, location, location_shape.*; expected general, location, style"),
        ({"place": None}, "has general.*; expected general.* place, render_error"),
        ({"extra": np.ones((4, 1))}, "has general.* extra; expected"),
        ({"general": np.ones((3, 2))}, r"general has shape \(3, 2\), expected 4 rows"),
        ({"general": np.ones(4)}, r"general has shape \(4,\), expected 4 rows"),
        ({"general": np.full((4, 2), np.nan)}, "general has values that are not finite"),
        ({"general": np.full((4, 2), "a")}, "general has values that are not finite"),
        ({"subject": np.zeros((4, 2))}, "subject has 2 columns, expected 3"),
        ({"place": np.zeros((4, 1))}, "place has 1 columns, expected 2"),
        ({"classes of subject": None}, "subject has 3 columns, expected 0"),
        ({"index": np.array([0, 0, 0, 0])}, "expected ids of different images, got 4 rows"),
        ({"index": np.array([0.0, 1.0, 2.0, 3.0])}, "expected ids of different images"),
        ({"prompt_id": np.array(["p"])}, "expected ids of different images"),
        (
            {"encoder": np.array("clip 1")},
            "unknown encoder 'clip'; expected one of painted_world, drawn_world, inception",
        ),
        ({"set": None}, "cannot be read"),
    ],
)
def test_features_that_are_not_whole_are_not_read(tmp_path, change, message):
    kept = {name: values for name, values in (arrays(tmp_path) | change).items() if values is not None}
    np.savez(tmp_path / "set.npz", **kept)
    with pytest.raises(BadInput, match=message) as raised:
        read_features(tmp_path / "set.npz")
    assert "\n" not in str(raised.value)


def test_features_that_are_not_whole_are_not_written(tmp_path):
    vectors = features().vectors
    lost = {name: values for name, values in vectors.items() if name != "gram"}
    for bad in (lost, vectors | {"gram": np.full((4, 6), np.inf, np.float32)}):
        with pytest.raises(BadInput):
            write_features(tmp_path / "set.npz", features(vectors=bad))
    assert not list(tmp_path.iterdir())


def test_features_that_cannot_be_compared():
    other = features(encoder="painted_world 2")
    with pytest.raises(
        BadInput, match="features of encoder painted_world 1 cannot be compared with those of painted_world 2"
    ):
        require_same_spaces(features(), other, "set plain")
    wider = with_vectors(style=np.ones((4, 9), np.float32))
    with pytest.raises(BadInput, match="set latent: style has 4 columns, and 9 in plain"):
        require_same_spaces(features(), wider, "set latent")
