"""Command lines of stages: arguments by position, and --help, which says what the module does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from repulsion.core.errors import BadInput


class OneLineParser(argparse.ArgumentParser):
    """Raises BadInput where argparse would print its usage and exit. `expected`: the arguments, as they are named."""

    expected: str

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"expected {self.expected}, got {' '.join(sys.argv[1:]) or 'nothing'}")


def arguments(names: Sequence[str], optional: Sequence[str] = (), flag: str | None = None) -> list[str]:
    """The values of the command line: one for each name, those of the `optional` names that were given, then the flag,
    where it was given. Raises BadInput for another number of them."""
    shown = [*names, *(f"[{name}]" for name in (*optional, *([flag] if flag else [])))]
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    program = f"python -m {spec.name}" if spec else sys.argv[0]
    parser = OneLineParser(
        usage=" ".join([program, *shown]),
        description=main.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.expected = " ".join(shown)
    for name in (*names, *optional):
        parser.add_argument(name, nargs="?" if name in optional else None)
    if flag:
        parser.add_argument(flag, action="store_true")
    values = vars(parser.parse_args())
    given = [values[name] for name in (*names, *optional) if values[name] is not None]
    return [*given, flag] if flag and values[flag.lstrip("-")] else given
