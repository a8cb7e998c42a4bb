"""params.yaml -> frozen, validated settings: an unknown or missing key, or a value of the wrong type, is an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

Settings = TypeVar("Settings")


class BadInput(ValueError):
    """What a user gave cannot be used. Its text is one line: what came, what was expected, the choices."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """For entry points: bad input ends the process with its one line; any other error keeps its traceback."""
    try:
        yield
    except BadInput as error:
        sys.exit(f"error: {error}")


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
    are unknown or missing, and values of another type (an int passes for a float, nothing else is converted).
    """
    if not isinstance(values, dict):
        raise BadInput(f"{where}: expected a mapping, got {values!r}")
    expected = [f.name for f in fields(settings)]
    if unknown := [k for k in values if k not in expected]:
        raise BadInput(f"{where}: unknown key {unknown[0]!r}; expected {', '.join(expected)}")
    if missing := [k for k in expected if k not in values]:
        raise BadInput(f"{where}: missing key {missing[0]!r}; got {', '.join(map(str, values)) or 'nothing'}")
    hints = get_type_hints(settings)
    typed_values = {name: typed(values[name], hints[name], f"{where}: {name}") for name in expected}
    try:
        return settings(**typed_values)
    except BadInput as error:  # from the dataclass's own checks, which do not know where they stand
        raise BadInput(f"{where}: {error}") from None


def typed(value: Any, expected: Any, where: str) -> Any:
    """The value, checked against a type: a dataclass, tuple[T, ...], T | None, or one of int, float, str, bool."""
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
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:  # not isinstance: a bool is no int here
        raise BadInput(f"{where}: expected {expected.__name__}, got {value!r}")
    return value
