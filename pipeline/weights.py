"""A network on disk: its configuration, and its weights checked against it. Safetensors only, nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import nn

from pipeline.params import BadInput


def read_config(path: Path) -> dict:
    """A JSON file. Raises BadInput where it is missing or no JSON."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise BadInput(f"{path} is missing; expected a configuration in JSON") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{path} is no JSON: {error}") from None


def require_weights(network: nn.Module, path: Path) -> None:
    """Raise BadInput, in one line, unless the file holds every tensor of the network, in its shape.

    Tensors that the network does not have are let pass: published checkpoints carry buffers that newer classes dropped.
    """
    try:
        with safe_open(path, "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path}: not a whole safetensors file: {' '.join(str(error).split())}") from None
    for name, tensor in network.state_dict().items():
        if shapes.get(name) != tuple(tensor.shape):
            got = f"has shape {shapes[name]}" if name in shapes else "is missing"
            raise BadInput(f"{path}: tensor {name} {got}; expected shape {tuple(tensor.shape)}")


def hash_of(*paths: Path) -> str:
    """sha256 of every file of the paths (files or folders), names included."""
    digest = hashlib.sha256()
    for path in sorted(p for given in paths for p in [given, *given.rglob("*")] if p.is_file()):
        digest.update(f"{path}\n".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
