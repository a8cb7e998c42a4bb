"""What a release is: its version, citation and date, and the files that git tracks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import repulsion
from repulsion.core.errors import BadInput
from repulsion.core.files import read_yaml

LICENCE = "https://spdx.org/licenses/Apache-2.0"
CITATION = Path("CITATION.cff")


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, check=False)
    if done.returncode:
        raise BadInput(
            f"git {words[0]}: {done.stderr.decode().strip()}; an archive is made in a clone of the repository"
        )
    return done.stdout.decode()


def version() -> str:
    return repulsion.__version__


def citation() -> dict[str, Any]:
    """CITATION.cff. Raises BadInput unless its version is the package's."""
    found = read_yaml(CITATION)
    if found.get("version") != version():
        raise BadInput(f"{CITATION}: version: expected {version()!r}, got {found.get('version')!r}")
    return found


def date() -> str:
    """When the commit that is checked out was made: ISO 8601, with its time zone."""
    return git("log", "-1", "--format=%cI").strip()


def seconds() -> int:
    return int(git("log", "-1", "--format=%ct"))


def tracked() -> dict[str, str]:
    """The files that git tracks and their modes, links among them, in order. Raises BadInput where one was changed:
    what is archived is a commit."""
    if changed := git("status", "--porcelain", "--untracked-files=no").strip():
        raise BadInput(f"an archive is made of a commit; commit or undo first: {changed.splitlines()[0]}")
    listed = (line.split("\t", 1) for line in git("ls-files", "-s", "-z").split("\0") if line)
    return {name: how.split()[0] for how, name in sorted(listed, key=lambda pair: pair[1]) if os.path.lexists(name)}
