"""Feature files: one NPZ for each image set, with the ids of its rows and the encoder's, checked when it is read."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped

from pipeline.params import BadInput, new_file

SPACES = ("general", "location", "style", "location_shape", "gram")
# What a ground-truth readout says of an image: log-probabilities of subjects and artists, the place (x, y), and how far
# the image is from a render of all that.
READINGS = ("subject", "artist", "place", "render_error")
CLASSES = "classes of "
AGAIN = "delete it and run dvc repro again"


@dataclass(frozen=True)
class FeatureSet:
    """Rows of images in the manifest's order: which image, and its vectors in each space and reading that there is.

    `classes` names what the columns of the subject and artist readings stand for.
    """

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


def write_features(path: Path, features: FeatureSet) -> None:
    with new_file(path) as part, part.open("wb") as file:
        np.savez(
            file,
            encoder=np.array(features.encoder),
            prompt_id=features.prompt_id.astype(str),
            index=features.index,
            **{CLASSES + name: names for name, names in features.classes.items()},
            **features.vectors,
        )


def read_features(path: Path) -> FeatureSet:
    """A feature file. Raises BadInput for a missing or truncated one, rows that do not fit, values not finite."""
    if not path.is_file():
        raise BadInput(f"{path}: no such feature file")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
        encoder, prompt_id, index = (arrays.pop(name) for name in ("encoder", "prompt_id", "index"))
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as error:
        raise BadInput(f"{path}: cannot be read ({error}); {AGAIN}") from None
    classes = {name.removeprefix(CLASSES): arrays.pop(name) for name in list(arrays) if name.startswith(CLASSES)}
    for name, values in arrays.items():
        if len(values) != len(index):
            raise BadInput(f"{path}: {name} has {len(values)} rows, expected {len(index)}; {AGAIN}")
        if not np.isfinite(values).all():
            raise BadInput(f"{path}: {name} has values that are not finite")
    return FeatureSet(str(encoder), classes, prompt_id, index, arrays)


def require_same_encoder(a: FeatureSet, b: FeatureSet, where: str) -> None:
    if a.encoder != b.encoder:
        raise BadInput(f"{where}: features of encoder {a.encoder} cannot be compared with those of {b.encoder}")
