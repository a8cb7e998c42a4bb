"""The scratch folder: unfinished work, under a fingerprint of everything that it depends on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("repulsion", "pipeline", "analysis")
WORKER = "REPULSION_WORKER"  # of the environment: the folder that this process was started to make files in


def fingerprint(*values: object) -> str:
    """What a result belongs to: the given values (anything JSON can hold), the version of torch, and the bytes of every
    module of the project that this process runs (the one started by `python -m` included)."""
    digest = hashlib.sha256(json.dumps([*values, version("torch")]).encode())
    specs = {spec.name: spec.origin for m in list(sys.modules.values()) if (spec := getattr(m, "__spec__", None))}
    for name in sorted(n for n, origin in specs.items() if n.split(".")[0] in PACKAGES and origin):
        digest.update(Path(specs[name]).read_bytes())
    return digest.hexdigest()[:16]


def scratch_folder(parent: Path, *inputs: object, end: Callable[[Path], None] = lambda folder: None) -> Path:
    """The folder in `parent` for work that depends on these inputs; those for other inputs are deleted, each after a
    call of `end`, but not by a worker, which may run where another torch is."""
    mine = parent / fingerprint(*inputs)
    if WORKER in os.environ:
        return mine
    for other in parent.iterdir() if parent.is_dir() else ():
        if other != mine:
            end(other)
            shutil.rmtree(other, ignore_errors=True)  # what writes there still may end later
    return mine
