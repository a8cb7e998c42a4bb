"""What a method was told that the metrics look for: networks that know the labels, or share the encoder's weights."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from analysis.study.settings import Study
from pipeline.sets.feature_sets import READS

# The network that a space looks through (as in repulsion.forces.embeddings.NEEDS), and the labels it was trained with.
NETWORKS = {
    "style_classifier": "classifier",
    "style_classifier_thirds": "classifier",
    "decoded_average": "decode",
    "decoded_cnn": "decode",
}
LABELS = {"classifier": ("artist",), "decode": ()}
LEAST = 16  # numbers in a tensor; fewer may well be equal by chance


def spaces_of(row: dict[str, Any]) -> list[str]:
    """Every space that a row of a methods file repels or selects in."""
    selects = [row["select"]["space"]] if row.get("select") else []
    return [cell["space"] for cell in row.get("repel") or ()] + selects


def networks_of(row: dict[str, Any], needs: dict[str, str]) -> list[str]:
    """What the spaces of a row need, by `needs`: of built-in spaces, and what registered ones declared."""
    return sorted({needs[space] for space in spaces_of(row) if space in needs})


def shared_labels(row: dict[str, Any], study: Study, needs: dict[str, str] = NETWORKS) -> tuple[str, ...]:
    """Labels that both a network of the method was trained with and the profile's encoder reads."""
    known = {label for network in networks_of(row, needs) for label in LABELS[network]}
    return tuple(label for label in READS[study.encoder.name] if label in known)


@cache
def tensor_hashes(path: Path) -> frozenset[str]:
    """Of every tensor in a safetensors file, or in those of a folder; small and constant ones left out."""
    files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
    found = set()
    for file in files:
        if file.suffix != ".safetensors":
            continue
        with safe_open(file, framework="np") as stored:
            for name in stored.keys():
                value = stored.get_tensor(name)
                if value.size >= LEAST and np.ptp(value) > 0:
                    found.add(hashlib.sha256(value.tobytes()).hexdigest())
    return frozenset(found)


def shares_weights(files: list[Path], study: Study) -> bool:
    """Whether some tensor of these files is one of the encoder's."""
    encoder = tensor_hashes(Path(study.encoder.weights))
    return any(tensor_hashes(path) & encoder for path in files)


def weights_of(row: dict[str, Any], study: Study, needs: dict[str, str] = NETWORKS) -> list[Path]:
    """Where the weights of a method's networks are."""
    folders = {"classifier": Path(study.style_classifier.folder), "decode": Path(study.model) / "vae"}
    return [folders[network] for network in networks_of(row, needs)]
