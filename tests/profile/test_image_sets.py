import hashlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from pipeline.sets.image_sets import (
    ParticleSet,
    pack,
    read_forces,
    read_images,
    read_manifest,
    read_run,
    write_part,
)
from pipeline.sets.records import MANIFEST, RUN, require_images
from repulsion.core.errors import BadInput


def made(prompt_id: str, first: int, n: int = 3) -> ParticleSet:
    images = np.random.default_rng(first).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    index = list(range(first, first + n))
    return ParticleSet(prompt_id, index, [2**62 + k for k in index], images, [(0, 14.6, 2.0, 0.5)], 40 * n)


@pytest.fixture
def packed(tmp_path):
    parts = []
    for k, prompt_id in enumerate(("NA", "null", "1e5")):  # ids that a careless reader takes for something else
        parts.append(tmp_path / f"part{k}.zip")
        write_part(parts[-1], "plain", made(prompt_id, 3 * k))
    pack(tmp_path / "set.zip", parts)
    return tmp_path / "set.zip"


def test_what_is_written_is_read(packed):
    manifest = read_manifest(packed)
    assert [row.prompt_id for row in manifest] == ["NA"] * 3 + ["null"] * 3 + ["1e5"] * 3
    assert [row.index for row in manifest] == list(range(9)) and manifest[8].seed == str(2**62 + 8)
    assert [row.file for row in manifest] == [f"{k:06d}.png" for k in range(9)]
    expected = np.concatenate([made("", 3 * k).images for k in range(3)])
    assert (read_images(packed) == expected).all()
    assert (read_images(packed, ["000004.png"])[0] == expected[4]).all()
    assert read_run(packed) == {"images": 9, "denoiser_passes": 360, "denoiser_backward_passes": 0}
    forces = read_forces(packed)
    assert [(row.prompt_id, row.first_index) for row in forces] == [("NA", 0), ("null", 3), ("1e5", 6)]
    assert all((row.level, row.sigma, row.score_norm, row.repulsion_norm) == (0, 14.6, 2.0, 0.5) for row in forces)


def test_bytes_depend_on_the_content_alone(packed, tmp_path):
    again = tmp_path / "again.zip"
    pack(again, [tmp_path / f"part{k}.zip" for k in range(3)])
    assert again.read_bytes() == packed.read_bytes()
    other = tmp_path / "other.zip"
    pack(other, [tmp_path / f"part{k}.zip" for k in (1, 0, 2)])
    assert other.read_bytes() != packed.read_bytes()


def test_a_missing_set():
    from pathlib import Path

    with pytest.raises(BadInput, match="nowhere.zip: no such image set"):
        read_manifest(Path("nowhere.zip"))


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_a_truncated_zip(packed, keep):
    packed.write_bytes(packed.read_bytes()[: int(keep * packed.stat().st_size)])
    with pytest.raises(BadInput, match=r"truncated or not a ZIP .* run dvc repro again"):
        read_manifest(packed)


def test_a_damaged_png_is_not_read_as_an_image(packed):
    content = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        offset = archive.getinfo("000004.png").header_offset
    content[offset + 200] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(BadInput, match="000004.png cannot be read"):
        read_images(packed)


def test_a_truncated_png_and_a_missing_row(packed, tmp_path):
    def rewrite(change) -> None:
        with zipfile.ZipFile(packed) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        change(entries)
        with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)

    rewrite(lambda e: e.update({"000002.png": e["000002.png"][:-20]}))
    with pytest.raises(BadInput, match="000002.png is not the image of the manifest"):
        read_images(tmp_path / "changed.zip")
    rewrite(lambda e: e.pop("000003.png"))
    with pytest.raises(BadInput, match="000003.png cannot be read"):
        read_images(tmp_path / "changed.zip")
    rewrite(lambda e: e.update({MANIFEST: b"\n".join(e[MANIFEST].split(b"\n")[:-2]) + b"\n"}))
    with pytest.raises(BadInput, match="the manifest has 8 rows, expected 9"):
        read_manifest(tmp_path / "changed.zip")
    rewrite(lambda e: e.update({MANIFEST: e[MANIFEST].replace(b"sha256", b"md5")}))
    with pytest.raises(BadInput, match="manifest.csv has columns"):
        read_manifest(tmp_path / "changed.zip")


def lines_of(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def row_for_row(content: bytes, k: int, other: int) -> bytes:
    """The manifest with its row k replaced by another one, its own file name kept."""
    lines = lines_of(content)
    lines[k + 1] = lines[k + 1].split(b",")[0] + b"," + lines[other + 1].split(b",", 1)[1]
    return b"\n".join(lines)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def with_image(entries: dict[str, bytes], content: bytes) -> None:
    """The third image replaced, and its hash with it."""
    old, new = (hashlib.sha256(png).hexdigest().encode() for png in (entries["000002.png"], content))
    entries.update({"000002.png": content, MANIFEST: entries[MANIFEST].replace(old, new)})


@pytest.mark.parametrize(
    "change,message",
    [
        (lambda e: e.update({MANIFEST: row_for_row(e[MANIFEST], 3, 4)}), "image 4 of prompt null is listed twice"),
        (lambda e: e.update({MANIFEST: b"\n".join([lines_of(e[MANIFEST])[0], *lines_of(e[MANIFEST])[-2:0:-1], b""])}), "the manifest's files or sets are not as they were written"),
        (lambda e: e.update({MANIFEST: e[MANIFEST].replace(b",plain,", b",other,", 1)}), "the manifest's files or sets"),
        (lambda e: e.update({MANIFEST: e[MANIFEST].replace(b",null,", b",\xe4,", 1)}), "manifest.csv cannot be read"),
        (lambda e: e.update({MANIFEST: e[MANIFEST].replace(b",0,", b",zero,", 1)}), "manifest.csv cannot be read"),
        (lambda e: e.update({RUN: e[RUN][:9]}), "run.json cannot be read"),
        (lambda e: e.update({RUN: b"[]"}), "run.json: expected counts images, denoiser_passes"),
        (lambda e: e.update({RUN: e[RUN].replace(b"360", b"-1")}), "run.json: expected counts"),
        (lambda e: with_image(e, e["000002.png"][:-30]), "not a whole PNG"),
        (lambda e: with_image(e, b"GIF89a"), "not a whole PNG"),
        (lambda e: with_image(e, png(np.zeros((8, 8), np.uint16))), "expected PNGs of 8-bit RGB, got mode I;16"),
        (lambda e: with_image(e, png(np.zeros((8, 8, 4), np.uint8))), "expected PNGs of 8-bit RGB, got mode RGBA"),
        (lambda e: with_image(e, png(np.zeros((1, 1, 3), np.uint8))), r"images of different sizes, \(1, 1\) and \(8, 8\)"),
    ],
)  # fmt: skip
def test_a_set_that_is_not_as_it_was_written_is_one_line(packed, tmp_path, change, message):
    with zipfile.ZipFile(packed) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(BadInput, match=message) as raised:
        read_images(tmp_path / "changed.zip")
    assert "\n" not in str(raised.value) and "changed.zip" in str(raised.value)


def test_a_set_is_read_for_no_other_and_for_no_part_of_itself(packed):
    manifest = read_manifest(packed)
    expected = [(q, 3 * k + i) for k, q in enumerate(("NA", "null", "1e5")) for i in range(3)]
    require_images(packed, manifest, "plain", expected)
    with pytest.raises(BadInput, match="holds the set plain, expected latent"):
        require_images(packed, manifest, "latent", expected)
    with pytest.raises(BadInput, match="row 9 is no image, expected image 9 of prompt 1e5"):
        require_images(packed, manifest, "plain", [*expected, ("1e5", 9)])
    with pytest.raises(BadInput, match="row 8 is image 8 of prompt 1e5, expected no image"):
        require_images(packed, manifest, "plain", expected[:-1])
    with pytest.raises(BadInput, match="row 0 is image 0 of prompt NA, expected image 1 of prompt NA"):
        require_images(packed, manifest, "plain", [expected[1], expected[0], *expected[2:]])
