"""The icons: what is in git, and how it is rebuilt."""

import base64
import hashlib
import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from pipeline.world.drawn import icons
from pipeline.world.drawn.concepts import CONCEPTS, SETS
from pipeline.world.drawn.draw import COLUMNS, ICON_SIZE, ICONS

SQUARE = {"body": '<path fill="#ff0000" d="M0 0h8v8H0z"/>'}
INFO = {
    "name": "Squares",
    "author": {"name": "A", "url": "https://example.org"},
    "license": {"title": "MIT", "url": "https://example.org/licence"},
}


def package(**files) -> bytes:
    """An archive as npm's: package/NAME.json for each."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(f"package/{name}.json")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def square() -> icons.IconSet:
    return icons.IconSet({"icons": {"square": SQUARE}, "aliases": {"box": {"parent": "square"}}, "width": 16}, INFO)


def test_a_sheet_shows_each_icon_in_its_tile():
    page = np.asarray(icons.sheet(square(), ["square"] * 7))
    assert page.shape == (2 * ICON_SIZE, COLUMNS * ICON_SIZE, 4)
    half = ICON_SIZE // 2
    for k in range(7):
        top, left = k // COLUMNS * ICON_SIZE, k % COLUMNS * ICON_SIZE
        tile = page[top : top + ICON_SIZE, left : left + ICON_SIZE]
        assert (tile[: half - 1, : half - 1] == (255, 0, 0, 255)).all() and not tile[half + 1 :, half + 1 :].any()
    assert not page[ICON_SIZE:, ICON_SIZE:].any()


def test_a_package_is_read_where_its_hash_is_the_expected_one():
    archive = package(icons={"icons": {"square": SQUARE}}, info=INFO)
    integrity = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    assert "<path" in icons.read_package(archive, integrity, "squares").svg("square")
    with pytest.raises(ValueError, match="package squares: expected sha512 other, got"):
        icons.read_package(archive, "other", "squares")


def test_an_alias_is_its_parent_unless_it_turns_it():
    assert square().svg("box") == square().svg("square")
    turned = icons.IconSet({"icons": {"square": SQUARE}, "aliases": {"box": {"parent": "square", "hFlip": True}}}, INFO)
    for found, name in ((turned, "box"), (square(), "circle")):
        with pytest.raises(ValueError, match=f"icon '{name}': not in Squares as it is"):
            found.svg(name)


def test_the_sheets_in_git_are_those_of_the_sets():
    rows = -(-len(CONCEPTS) // COLUMNS)
    assert {p.stem for p in ICONS.iterdir()} == set(SETS) and set(SETS.values()) == set(icons.PACKAGES)
    for name in SETS:
        with Image.open(ICONS / f"{name}.png") as page:
            assert page.mode == "RGBA" and page.size == (COLUMNS * ICON_SIZE, rows * ICON_SIZE)
    assert sum(p.stat().st_size for p in ICONS.iterdir()) < 8e6


def test_every_set_names_its_author_and_licence():
    text = (ICONS.parent / "LICENCES.md").read_text(encoding="utf-8")
    for name, package_name in SETS.items():
        version = icons.PACKAGES[package_name][0]
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        assert f"`@iconify-json/{package_name}` {version}" in row and row.count("](https://") == 2
