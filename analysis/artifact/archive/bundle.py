"""`make archive`: one ZIP of the commit that is checked out, with its run crate, Croissant metadata and list of parts.

The ZIP depends on the commit and on the versions of the libraries that write the metadata: entries are in order, with
the commit's time and git's permissions, stored as they are (zlib's versions differ); links, if any, stay links.
`python -m analysis.artifact.archive.bundle FOLDER` prints its path and SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from analysis.artifact.archive.crate import crate_of
from analysis.artifact.archive.croissant import croissant_of
from analysis.artifact.archive.release import citation, seconds, tracked, version
from analysis.study.settings import Study
from pipeline.profile.command_line import arguments
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.core.files import new_file

LOCK = Path("requirements.lock")
CRATE, CROISSANT, SBOM = "ro-crate-metadata.json", "croissant.json", "sbom.cdx.json"


def sbom() -> dict[str, Any]:
    """The packages of requirements.lock in CycloneDX, with their hashes; without times or serial numbers."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    command += ["--pyproject", "pyproject.toml", str(LOCK)]
    plain = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(command, capture_output=True, check=False, env=plain, text=True)
    if done.returncode:
        raise BadInput(f"{LOCK}: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout)
    found["metadata"]["component"]["version"] = version()
    for part in found["components"]:
        part.pop("description", None)  # the line of the lock file once more
    return found


def metadata(study: Study) -> dict[str, bytes]:
    """The files that are made for the archive, by name."""
    made = {CRATE: crate_of(study), CROISSANT: croissant_of(study), SBOM: sbom()}
    return {name: (json.dumps(content, indent=1, default=str) + "\n").encode() for name, content in made.items()}


def write(path: Path, study: Study) -> str:
    """The archive. Returns its SHA-256."""
    citation()  # before anything is made
    modes, made = tracked(), metadata(study)
    folder, when = f"repulsion-bench-{version()}", time.gmtime(seconds())[:6]
    with new_file(path) as part:
        with zipfile.ZipFile(part, "w") as archive:
            for name in sorted({*modes, *made}):
                entry = zipfile.ZipInfo(f"{folder}/{name}", when)
                entry.create_system = 3  # Unix, wherever it is made
                mode = int(modes.get(name, "100644"), 8)
                entry.external_attr = (mode if stat.S_ISLNK(mode) else mode | stat.S_IFREG) << 16
                archive.writestr(entry, made[name] if name in made else content_of(Path(name), mode))
        with part.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def content_of(path: Path, mode: int) -> bytes:
    return os.readlink(path).encode() if stat.S_ISLNK(mode) else path.read_bytes()


def main() -> None:
    (folder,) = arguments(["FOLDER"])
    path = Path(folder) / f"repulsion-bench-{version()}.zip"
    print(f"{write(path, read_profile(Path('params.yaml'), Study))}  {path}")


if __name__ == "__main__":
    with one_line_errors():
        main()
