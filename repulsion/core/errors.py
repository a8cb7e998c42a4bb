"""Errors: invalid input as one line, and how a process ends on one."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class BadInput(ValueError):
    """Invalid user input. One line: the place, the value received, the value expected, the valid choices."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """For entry points: bad input, values that are not finite, a full disk and files that may not be written end the
    process with one line; other errors keep their traceback."""
    try:
        yield
    except (BadInput, FloatingPointError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit(f"error: the disk is full{where}; free some space and run the same again")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            sys.exit(f"error: {os.strerror(error.errno)}{where}; expected a folder that can be read and written")
        raise


def require_at_least(name: str, value: float, least: float) -> None:
    if not value >= least:  # nan is not
        raise BadInput(f"{name}: expected at least {least}, got {value}")


def require_one_of(name: str, choices: Iterable[str], kind: str) -> None:
    if name not in choices:
        raise BadInput(f"unknown {kind} {name!r}; expected one of {', '.join(choices)}")


def require_unique(values: Iterable[str], where: str) -> None:
    """Raise BadInput for a value that is listed twice, upper and lower case being the same: values become names of
    files, and on some disks `vase` and `Vase` are one file."""
    seen: dict[str, str] = {}
    for value in values:
        before = seen.get(value.casefold())
        if before == value:
            raise BadInput(f"{where}: {value!r} is listed twice")
        if before is not None:
            raise BadInput(f"{where}: {before!r} and {value!r} differ in upper and lower case only")
        seen[value.casefold()] = value


def one_line(error: Exception) -> str:
    """An error of a library, as one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]
