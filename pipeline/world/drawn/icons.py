"""Rebuild the icons of the drawn world, byte for byte, from the npm packages that they came in:  make icons

One sheet for each set: the concepts in their order, six in a row, 96x96 pixels each; and LICENCES.md, with every set's
author and licence as its package states them. Needs npm and a network; nothing else of the project does.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import resvg_py
from PIL import Image

from pipeline.profile.command_line import arguments
from pipeline.world.drawn.concepts import CONCEPTS, SETS
from pipeline.world.drawn.draw import COLUMNS, ICON_SIZE, ICONS
from repulsion.core.errors import BadInput, one_line_errors

INK = "#202020"  # of the sets without colours of their own
# Version and integrity of each package @iconify-json/NAME, as npm states them.
PACKAGES = {
    "noto": ("1.2.9", "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw=="),
    "noto-v1": ("1.2.5", "/DsVMius69Q0fRS53z7QK1TROSuar606jiIx+laXtdsYGMXpf6LtHBx6CGfoo3UHHb/XpBsw+1L1x3eyPqMuVA=="),
    "twemoji": ("1.2.5", "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw=="),
    "openmoji": ("1.2.29", "vXdhkqcXVSO6suy+m9LbcUM3OdVyuNOtpV8/als/WqfkQIRxevL5Geb/g+6GH/Qwnq1OqksEmaDGTCmZ5nFKJQ=="),
    "fluent-emoji": (
        "1.2.7",
        "D8G6bKAyIsyxP1rzZtIWr/gg/fO4Rg1+DyCWlfqKK4h8W+4Em/Y0P6QYgJUQTlUcagzJvSyg+9OBv4hz4Hc/QA==",
    ),
    "fluent-emoji-flat": (
        "1.2.6",
        "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
    ),
    "fluent-emoji-high-contrast": (
        "1.2.6",
        "esqhZPpkrF7sNX3NsLoh8KW64okEr/bzko7WNnFP+qTJGAqDPDYjp0925yxuivXy3HtVQB8xhIKu3+Nq1byX5w==",
    ),
    "emojione": ("1.2.3", "T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg=="),
    "emojione-v1": (
        "1.2.3",
        "UjI2VQEXVtGlPBvQuxEizro7QCgBcJDOYwKUupquvvZ8UV4xOlvm45IU82JYWegiAWLerY79gFLMZ26U6Ms+ww==",
    ),
    "emojione-monotone": (
        "1.2.1",
        "cZSNcPsuiAD6HCzCh/2dYKGh3pNI0jJlxBxQWfC33cQsPtqYZqulGBvlkThXYNvDl8VxgVHT9u+izyX/yeEIkA==",
    ),
}


@dataclass(frozen=True)
class IconSet:
    """A package's `icons.json` (bodies of SVG pictures, and aliases) and `info.json` (author and licence)."""

    icons: dict[str, Any]
    info: dict[str, Any]

    def svg(self, name: str) -> str:
        """The SVG picture of an icon. Raises BadInput for an unknown name."""
        alias = self.icons.get("aliases", {}).get(name, {})
        parent = alias.get("parent", name)
        if parent not in self.icons["icons"] or alias.keys() - {"parent"}:  # an alias may also turn or mirror
            raise BadInput(f"icon {name!r}: not in {self.info['name']} as it is")
        body = self.icons["icons"][parent]
        left, top, width, height = (
            body.get(key, self.icons.get(key, default))
            for key, default in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
        )
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{left} {top} {width} {height}" width="{width}" height="{height}" color="{INK}">'
            f"{body['body']}</svg>"
        )


def read_package(archive: bytes, integrity: str, name: str) -> IconSet:
    """The icons in a package's archive. Raises BadInput where its SHA-512 (base64) is not `integrity`."""
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != integrity:
        raise BadInput(f"package {name}: expected sha512 {integrity}, got {found}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        icons, info = (json.load(packed.extractfile(f"package/{part}.json")) for part in ("icons", "info"))
    return IconSet(icons, info)


def download(name: str, version: str, folder: Path) -> bytes:
    """The archive of a package, by npm."""
    package = f"@iconify-json/{name}@{version}"
    try:
        packed = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise BadInput("npm: not found; expected on the PATH") from None
    if packed.returncode:
        raise BadInput(f"npm pack {package}: {packed.stderr.strip() or 'failed'}")
    return (folder / packed.stdout.split()[-1]).read_bytes()


def sheet(icons: IconSet, names: list[str]) -> Image.Image:
    """The icons side by side, six in a row, transparent where nothing is drawn."""
    page = Image.new("RGBA", (COLUMNS * ICON_SIZE, -(-len(names) // COLUMNS) * ICON_SIZE))
    for k, name in enumerate(names):
        png = resvg_py.svg_to_bytes(
            svg_string=icons.svg(name), width=ICON_SIZE, height=ICON_SIZE, skip_system_fonts=True
        )
        page.paste(Image.open(io.BytesIO(png)), (k % COLUMNS * ICON_SIZE, k // COLUMNS * ICON_SIZE))
    return page


def licences(sets: dict[str, IconSet]) -> str:
    """A table of the sets: package, author and licence."""
    rows = []
    for word, icons in sets.items():
        package, author, licence = SETS[word], icons.info["author"], icons.info["license"]
        rows.append(
            f"| {word} | `@iconify-json/{package}` {PACKAGES[package][0]} | [{author['name']}]({author['url']}) "
            f"| [{licence['title']}]({licence['url']}) |"
        )
    return "\n".join(
        [
            "# Authors and licences of the icons",
            "",
            "Each sheet in the folder `icons` shows the icons of one set, unchanged but for their size and, in the",
            "sets without colours, their ink. An icon may be used under its set's licence, share-alike or not.",
            "",
            "| set | package | author | licence |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> None:
    arguments([])
    sets = {}
    with tempfile.TemporaryDirectory() as folder:
        for word, package in SETS.items():
            version, integrity = PACKAGES[package]
            sets[word] = read_package(download(package, version, Path(folder)), integrity, package)
    ICONS.mkdir(exist_ok=True)
    for word, icons in sets.items():
        sheet(icons, list(CONCEPTS.values())).save(ICONS / f"{word}.png", optimize=True)
    (ICONS.parent / "LICENCES.md").write_text(licences(sets), encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
