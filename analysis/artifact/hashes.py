"""Files in git against the MD5 sums that DVC's lock files record of them: weights, prompts and results."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from repulsion.core.files import read_yaml

# Images, features and reports are made by a run, and git does not keep them; nor anything of the ci profile's.
DATA = re.compile(r"(models|results)/.*|[^/]+\.csv")
NOT_IN_GIT = re.compile(r"results/[^/]+/(samples|features|report)(/.*)?|results/ci/.*")


def md5_of(path: Path) -> str:
    """The MD5 sum of a file; of a folder that of the list of its files' sums and relative paths, as DVC takes it."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = sorted((p.relative_to(path).parts, p) for p in path.rglob("*") if p.is_file())
    listed = [{"md5": md5_of(p), "relpath": "/".join(parts)} for parts, p in files]
    return hashlib.md5(json.dumps(listed).encode("utf-8"), usedforsecurity=False).hexdigest() + ".dir"


def recorded(lock: Path) -> dict[str, str]:
    """What a lock file records of data in git: path -> MD5 sum."""
    found = {}
    for stage in read_yaml(lock)["stages"].values():
        for entry in (*stage.get("deps", ()), *stage.get("outs", ())):
            if DATA.fullmatch(entry["path"]) and not NOT_IN_GIT.fullmatch(entry["path"]):
                found[entry["path"]] = entry["md5"]
    return found


def locks() -> list[Path]:
    return [Path("dvc.lock"), *sorted(Path("profiles").glob("*/dvc.lock"))]


def moved(lock: Path) -> tuple[list[str], int]:
    """The paths of a lock file that are missing or hold something else than what was recorded, and of how many."""
    paths = recorded(lock)
    return [p for p, md5 in paths.items() if not Path(p).exists() or md5_of(Path(p)) != md5], len(paths)
