import numpy as np
import pytest

from pipeline.feature_sets import FeatureSet, read_features, require_same_encoder, write_features
from pipeline.params import BadInput


def features(encoder: str = "toy 1") -> FeatureSet:
    vectors = {"general": np.arange(8, dtype=np.float32).reshape(4, 2), "place": np.ones((4, 2), np.float32)}
    classes = {"artist": np.array(["a", "b"])}
    return FeatureSet(encoder, classes, np.array(["p", "q", "p", "NA"]), np.array([1, 0, 0, 0]), vectors)


def test_what_is_written_is_read_with_the_same_bytes(tmp_path):
    for name in ("one.npz", "two.npz"):
        write_features(tmp_path / name, features())
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    found = read_features(tmp_path / "one.npz")
    assert found.encoder == "toy 1" and found.classes["artist"].tolist() == ["a", "b"]
    assert found.prompt_id.tolist() == ["p", "q", "p", "NA"] and set(found.vectors) == {"general", "place"}
    assert found.of("p")["general"].tolist() == [[4, 5], [0, 1]]  # in the order of the indices
    assert found.of("p")["general"].dtype == np.float64 and len(found.of("nobody")["general"]) == 0


def test_missing_and_truncated(tmp_path):
    with pytest.raises(BadInput, match="no such feature file"):
        read_features(tmp_path / "none.npz")
    path = tmp_path / "set.npz"
    write_features(path, features())
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(BadInput, match="cannot be read .* run dvc repro again"):
        read_features(path)
    path.write_bytes(b"")
    with pytest.raises(BadInput, match="cannot be read"):
        read_features(path)


def test_a_missing_row_and_values_that_are_not_finite(tmp_path):
    path, good = tmp_path / "set.npz", features()
    ids = {"encoder": np.array("toy 1"), "prompt_id": good.prompt_id, "index": good.index}
    np.savez(path, **ids, general=np.ones((3, 2)))
    with pytest.raises(BadInput, match="general has 3 rows, expected 4"):
        read_features(path)
    np.savez(path, index=good.index, general=np.ones((4, 2)))
    with pytest.raises(BadInput, match="cannot be read"):
        read_features(path)
    write_features(path, FeatureSet(good.encoder, {}, good.prompt_id, good.index, {"general": np.full((4, 2), np.nan)}))
    with pytest.raises(BadInput, match="not finite"):
        read_features(path)


def test_features_of_another_encoder():
    with pytest.raises(BadInput, match="features of encoder toy 1 cannot be compared with those of toy 2"):
        require_same_encoder(features(), features("toy 2"), "set plain")
