"""params.yaml -> frozen, validated settings: an unknown or missing key, or a value of the wrong type, is an error."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

Settings = TypeVar("Settings")


class BadInput(ValueError):
    """What a user gave cannot be used. Its text is one line: what came, what was expected, the choices."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """For entry points: bad input, numbers that are not finite and a full disk end the process with one line; other
    errors keep their traceback."""
    try:
        yield
    except (BadInput, FloatingPointError) as error:  # the latter names the set, the particle and the level
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f" ({error.filename})" if error.filename else ""
        sys.exit(f"error: the disk is full{where}; what was finished is kept: free some space and run the same again")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to write to, moved to `path` when the block ends: a reader sees the old file or all of the new one. After
    an error nothing is left of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def require_at_least(name: str, value: float, least: float) -> None:
    if value < least:
        raise BadInput(f"{name}: expected at least {least}, got {value}")


def require_one_of(name: str, choices: Iterable[str], kind: str) -> None:
    if name not in choices:
        raise BadInput(f"unknown {kind} {name!r}; expected one of {', '.join(choices)}")


def require_unique(values: Iterable[str], where: str) -> None:
    values = list(values)
    if repeated := [v for v in values if values.count(v) > 1]:
        raise BadInput(f"{where}: {repeated[0]!r} stands there {values.count(repeated[0])} times")


def load(settings: type[Settings], path: Path) -> Settings:
    """The YAML file at `path` as an instance of the dataclass `settings`."""
    if not path.is_file():
        raise BadInput(f"no parameter file at {path}")
    try:
        values = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return strict(settings, values, str(path))


def strict(settings: type[Settings], values: Any, where: str) -> Settings:
    """A mapping as an instance of the dataclass `settings`, nested dataclasses included.

    Raises BadInput that names the place, what came and what was expected: for a value that is no mapping, keys that
    are unknown or missing (a field with a default may be left out), and values of another type (an int passes for a
    float, nothing else is converted).
    """
    if not isinstance(values, dict):
        raise BadInput(f"{where}: expected a mapping, got {values!r}")
    expected = [f.name for f in fields(settings)]
    if unknown := [k for k in values if k not in expected]:
        raise BadInput(f"{where}: unknown key {unknown[0]!r}; expected {', '.join(expected)}")
    if missing := [f.name for f in fields(settings) if f.name not in values and f.default is MISSING]:
        raise BadInput(f"{where}: missing key {missing[0]!r}; got {', '.join(map(str, values)) or 'nothing'}")
    hints = get_type_hints(settings)
    typed_values = {name: typed(values[name], hints[name], f"{where}: {name}") for name in values}
    try:
        return settings(**typed_values)
    except BadInput as error:  # from the dataclass's own checks, which do not know where they stand
        raise BadInput(f"{where}: {error}") from None


def typed(value: Any, expected: Any, where: str) -> Any:
    """The value, checked against a type: a dataclass, tuple[T, ...], dict[str, T], T | None, Any, or one of int, float,
    str, bool. Lists and mappings are never empty."""
    if expected is Any:
        return value
    if get_origin(expected) is UnionType:
        expected, none = get_args(expected)
        if none is not NoneType:
            raise TypeError(f"{where}: unions are T | None only")
        if value is None:
            return None
    if is_dataclass(expected):
        return strict(expected, value, where)
    if get_origin(expected) is tuple:
        if not isinstance(value, list) or not value:
            raise BadInput(f"{where}: expected a list that is not empty, got {value!r}")
        return tuple(typed(item, get_args(expected)[0], where) for item in value)
    if get_origin(expected) is dict:
        if not isinstance(value, dict) or not value or not all(isinstance(key, str) for key in value):
            raise BadInput(f"{where}: expected a mapping that is not empty, got {value!r}")
        return {key: typed(item, get_args(expected)[1], f"{where}: {key}") for key, item in value.items()}
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:  # not isinstance: a bool is no int here
        raise BadInput(f"{where}: expected {expected.__name__}, got {value!r}")
    return value
