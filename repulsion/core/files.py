"""Files: names that are safe, text in UTF-8, YAML and JSON; files that are whole or not there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from repulsion.core.errors import BadInput, one_line

# An id may become a part of a file's name or of a page's address: nothing else than these, and none of the names that
# Windows keeps for devices.
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
DEVICE_NAMES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)


def require_id(value: str, where: str) -> None:
    if not ID.fullmatch(value):
        raise BadInput(f"{where}: expected letters, digits, _ and - (64 at most, - not first), got {value!r}")
    if DEVICE_NAMES.fullmatch(value):
        raise BadInput(f"{where}: {value!r} is the name of a device on Windows; expected another one")


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


def read_text(path: Path) -> str:
    """A text file in UTF-8, with or without a byte order mark. Raises BadInput for another encoding."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not in UTF-8: byte {error.object[error.start]:#x} at {error.start}") from None


def read_yaml(path: Path) -> Any:
    """The content of a YAML 1.2 file. Raises BadInput for a missing file, another encoding, another
    syntax, tags of objects, and a key that is listed twice."""
    if not path.is_file():
        raise BadInput(f"no such file: {path}")
    try:
        return YAML(typ="safe", pure=True).load(read_text(path))
    except DuplicateKeyError as error:
        line, problem = error.problem_mark.line + 1, error.problem.split(" with value")[0]
        raise BadInput(f"{path}: line {line}: {problem}; expected every key once") from None
    except (YAMLError, ValueError, KeyError, RecursionError) as error:  # tags that do not fit, lists without an end
        raise BadInput(f"{path}: not YAML: {one_line(error)}") from None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds a mapping. Raises BadInput where it is missing, no JSON or another value."""
    if not path.is_file():
        raise BadInput(f"{path} is missing; expected a configuration in JSON")
    try:
        found = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise BadInput(f"{path} is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadInput(f"{path}: expected a mapping, got {str(found)[:80]}")
    return found
