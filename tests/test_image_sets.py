import zipfile

import numpy as np
import pytest

from pipeline.image_sets import (
    MANIFEST,
    ParticleSet,
    pack,
    read_forces,
    read_images,
    read_manifest,
    read_run,
    write_part,
)
from pipeline.params import BadInput


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
    assert manifest["prompt_id"].tolist() == ["NA"] * 3 + ["null"] * 3 + ["1e5"] * 3
    assert manifest["index"].tolist() == list(range(9)) and manifest["seed"][8] == str(2**62 + 8)
    assert manifest["file"].tolist() == [f"{k:06d}.png" for k in range(9)]
    expected = np.concatenate([made("", 3 * k).images for k in range(3)])
    assert (read_images(packed) == expected).all()
    assert (read_images(packed, ["000004.png"])[0] == expected[4]).all()
    assert read_run(packed) == {"images": 9, "denoiser_passes": 360, "denoiser_backward_passes": 0}
    forces = read_forces(packed)
    assert forces["prompt_id"].tolist() == ["NA", "null", "1e5"] and forces["first_index"].tolist() == [0, 3, 6]


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
    with pytest.raises(BadInput, match=r"truncated or no ZIP .* run dvc repro again"):
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
    with pytest.raises(BadInput, match="manifest has columns"):
        read_manifest(tmp_path / "changed.zip")
