"""An encoder's weights: the file or folder that a profile names, and its sha256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.profile.sections import EncoderParams
from repulsion.core.errors import BadInput
from repulsion.tensors.weights import hash_of


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_file(path: Path, sha256: str | None, what: str) -> None:
    """Raise BadInput unless there is something at `path`, and its sha256 begins as expected where one is."""
    if not path.exists():
        raise BadInput(f"{what}: nothing at {path}")
    if sha256 is None:
        return
    if not path.is_file():
        raise BadInput(f"{what}: {path} is not a file, but a sha256 is expected of it")
    if not (found := sha256_of(path)).startswith(sha256):
        raise BadInput(f"{what}: {path} has sha256 {found}, expected {sha256}; delete it and fetch it again")


def require_weights_of(p: EncoderParams) -> None:
    """Raise BadInput unless the encoder's weights are there, and those that are expected."""
    require_file(Path(p.weights), p.sha256, f"encoder {p.name}")


def encoder_id(p: EncoderParams) -> str:
    """The encoder's name and its weights' hash: features with different ones are not comparable."""
    return f"{p.name} {hash_of(Path(p.weights))[:16]}"
