"""Feature files: one NPZ for each image set, which says what it was made of; validated when it is written and read."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped

from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file

SPACES = ("general", "location", "style", "location_shape", "gram")
# What a ground-truth readout says of an image, and in how many columns: log-probabilities of subjects and artists (as
# many as there are classes), the place (x, y), and how far the image is from a render of all that.
READINGS = {"subject": None, "artist": None, "place": 2, "render_error": 1}
# Encoders that read a world, and which.
READERS = {"painted_world": "painted", "drawn_world": "drawn"}
# Which readings each encoder of pipeline.encoders.encoders.ENCODERS gives besides the spaces.
READS: dict[str, tuple[str, ...]] = {**dict.fromkeys(READERS, tuple(READINGS)), "inception": ()}
CLASSES = "classes of "
AGAIN = "delete it and run dvc repro again"
# What numpy raises for files that are damaged, or no NPZ.
UNREADABLE = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, TypeError, AttributeError, EOFError, OSError)


@dataclass(frozen=True)
class FeatureSet:
    """Rows of images in the manifest's order: which image, and its vectors in each space and reading that there is.

    `name` is the image set's and `manifest` the sha256 of its manifest; `encoder` is the encoder's name, a blank, and
    its weights' hash; `classes` names the columns of the subject and artist readings.
    """

    name: str
    manifest: str
    encoder: str
    classes: dict[str, Shaped[np.ndarray, " _"]]
    prompt_id: Shaped[np.ndarray, " n"]
    index: Int[np.ndarray, " n"]
    vectors: dict[str, Float[np.ndarray, "n _"]]

    def of(self, prompt_id: str) -> dict[str, Float[np.ndarray, "m _"]]:
        """One prompt's rows, in float64, in the order of their indices."""
        rows = np.flatnonzero(self.prompt_id == prompt_id)
        rows = rows[np.argsort(self.index[rows], kind="stable")]
        return {name: values[rows].astype(np.float64) for name, values in self.vectors.items()}


def arrays_of(encoder: str, path: Path) -> tuple[str, ...]:
    """The arrays that an encoder gives, in the order in which they are written. Raises BadInput for an unknown one."""
    name = encoder.partition(" ")[0]
    if name not in READS:
        raise BadInput(f"{path}: unknown encoder {name!r}; expected one of {', '.join(READS)}")
    return SPACES + READS[name]


def write_features(path: Path, features: FeatureSet) -> None:
    """The file depends on its content alone: arrays have one order, in whatever order they are given."""
    require_whole(features.encoder, features.classes, features.prompt_id, features.index, features.vectors, path)
    with new_file(path) as part, part.open("wb") as file:
        np.savez(
            file,
            set=np.array(features.name),
            manifest=np.array(features.manifest),
            encoder=np.array(features.encoder),
            prompt_id=features.prompt_id.astype(str),
            index=features.index,
            **{CLASSES + name: features.classes[name] for name in READINGS if name in features.classes},
            **{name: features.vectors[name] for name in arrays_of(features.encoder, path)},
        )


def read_features(path: Path) -> FeatureSet:
    """A feature file. Raises BadInput for one that is missing, truncated or not as it was written."""
    if not path.is_file():
        raise BadInput(f"{path}: no such feature file")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
        name, manifest, encoder = (str(arrays.pop(key)) for key in ("set", "manifest", "encoder"))
        prompt_id, index = (arrays.pop(key) for key in ("prompt_id", "index"))
    except UNREADABLE as error:
        raise BadInput(f"{path}: cannot be read ({one_line(error)}); {AGAIN}") from None
    classes = {key.removeprefix(CLASSES): arrays.pop(key) for key in list(arrays) if key.startswith(CLASSES)}
    require_whole(encoder, classes, prompt_id, index, arrays, path)
    return FeatureSet(name, manifest, encoder, classes, prompt_id, index, arrays)


def require_whole(
    encoder: str,
    classes: dict[str, np.ndarray],
    prompt_id: np.ndarray,
    index: np.ndarray,
    vectors: dict[str, np.ndarray],
    path: Path,
) -> None:
    """Raise BadInput unless every array of the encoder is there, and no other, with a row for each image, the columns
    of its classes, and finite values."""
    expected, n = arrays_of(encoder, path), index.size
    if set(vectors) != set(expected):
        raise BadInput(f"{path}: has {', '.join(vectors)}; expected {', '.join(expected)}; {AGAIN}")
    ids = set(zip(prompt_id.ravel().tolist(), index.ravel().tolist(), strict=False))
    if prompt_id.shape != (n,) or len(ids) != n or not n or not np.issubdtype(index.dtype, np.integer):
        raise BadInput(f"{path}: expected ids of different images, got {n} rows; {AGAIN}")
    for name, values in vectors.items():
        if values.ndim != 2 or len(values) != n:
            raise BadInput(f"{path}: {name} has shape {values.shape}, expected {n} rows; {AGAIN}")
        if not np.issubdtype(values.dtype, np.floating) or not np.isfinite(values).all():
            raise BadInput(f"{path}: {name} has values that are not finite")
        if name in READINGS:
            columns = READINGS[name] or np.size(classes.get(name, ()))
            if values.shape[1] != columns:
                raise BadInput(f"{path}: {name} has {values.shape[1]} columns, expected {columns}; {AGAIN}")


def require_set(features: FeatureSet, name: str, path: Path) -> None:
    """Raise BadInput for the features of another image set than the one that the file is named for."""
    if features.name != name:
        raise BadInput(f"{path}: holds features of the set {features.name}, expected {name}; {AGAIN}")


def require_same_spaces(a: FeatureSet, b: FeatureSet, where: str) -> None:
    """Raise BadInput for features that cannot be compared: of other encoders, or of other widths."""
    if a.encoder != b.encoder:
        raise BadInput(f"{where}: features of encoder {a.encoder} cannot be compared with those of {b.encoder}")
    for name in a.classes.keys() | b.classes.keys():
        if not np.array_equal(a.classes.get(name, ()), b.classes.get(name, ())):
            raise BadInput(f"{where}: other classes of {name} than in {b.name}")
    for name, values in a.vectors.items():
        if values.shape[1] != (other := b.vectors[name]).shape[1]:
            raise BadInput(f"{where}: {name} has {values.shape[1]} columns, and {other.shape[1]} in {b.name}")
