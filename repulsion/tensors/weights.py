"""Weights on disk: safetensors only, nothing is unpickled; written whole, and validated against their network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """A safetensors file, whole or not there. Raises OSError where it cannot be written, with its number: the library
    gives that in a text alone."""
    with new_file(path) as part:
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part)
        except SafetensorError as error:
            if found := re.search(r"os error (\d+)", str(error)):
                raise OSError(int(found[1]), "cannot be written", str(path)) from None
            raise


def read_kept(path: Path) -> dict[str, Tensor] | None:
    """The tensors that an earlier run kept; None where there are none or the file is not whole: they are made again."""
    try:
        return load_file(path)
    except (FileNotFoundError, SafetensorError):
        return None


def is_kept(path: Path) -> bool:
    """Whether the file is whole."""
    return read_kept(path) is not None


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A safetensors file to read tensors from one by one. Raises BadInput for one that is missing or not whole."""
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path}: not a whole safetensors file: {one_line(error)}") from None


def count_parameters(paths: Iterable[Path]) -> int:
    """Of the files of one network, by their heads alone."""
    total = 0
    for path in paths:
        with opened(path) as file:
            total += sum(prod(file.get_slice(name).get_shape()) for name in file.keys())
    return total


def require_weights(network: nn.Module, path: Path) -> None:
    """Raise BadInput, in one line, unless the file holds every tensor of the network, in its shape.

    Tensors that the network does not have are ignored: published checkpoints carry buffers that newer classes dropped.
    """
    with opened(path) as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
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
