"""Image sets on disk: one ZIP of PNGs for each set, with a manifest that names every image.

A set's ZIP holds manifest.csv, one row for each image; its PNGs, stored as they are, in the manifest's order; and small
records of the run. Its bytes depend on what is in it alone: no times, a fixed order. File names are numbers, so that no
id or prompt forms a path. Images are uint8 NHWC RGB in [0, 255].
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from pipeline.sets.records import (
    AGAIN,
    COUNTS,
    FORCES,
    MANIFEST,
    RUN,
    ForceRecord,
    ImageRecord,
    counts_of,
    csv_of,
    file_names,
    require_as_written,
    rows_of,
)
from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file

Images = UInt8[np.ndarray, "n h w 3"]


@dataclass(frozen=True)
class ParticleSet:
    """Images made together: one prompt's, their indices and seeds; what the run saw; what it cost.

    `forces` rows are level, sigma, score_norm, repulsion_norm. `passes` and `backward_passes`
    count latents through the denoiser.
    """

    prompt_id: str
    index: list[int]
    seed: list[int]
    images: Images
    forces: list[tuple[int, float, float, float]]
    passes: int
    backward_passes: int = 0


def encode(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def decode(png: bytes, where: Path) -> UInt8[np.ndarray, "h w 3"]:
    """A PNG's pixels. Raises BadInput for one that is damaged, or of other pixels than 8-bit RGB: none is converted."""
    try:
        image = Image.open(io.BytesIO(png), formats=["PNG"])
        pixels = np.asarray(image)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise BadInput(f"{where}: not a whole PNG ({one_line(error)}); {AGAIN}") from None
    if image.mode != "RGB":
        raise BadInput(f"{where}: expected PNGs of 8-bit RGB, got mode {image.mode}; {AGAIN}")
    return pixels


def entry(name: str) -> zipfile.ZipInfo:
    """A ZIP entry with a fixed timestamp: the same bytes whenever it is written."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def write_part(path: Path, name: str, made: ParticleSet) -> None:
    """One particle set of the set `name` as a ZIP of its own, the form in which unfinished work is kept."""
    with ThreadPoolExecutor() as pool:  # at 512 x 512 one thread would take longer than a GPU takes to sample
        pngs = list(pool.map(encode, made.images))
    keys = zip(file_names(len(pngs)), made.index, made.seed, pngs, strict=True)
    rows = [
        ImageRecord(file, made.prompt_id, name, index, str(seed), hashlib.sha256(png).hexdigest())
        for file, index, seed, png in keys
    ]
    forces = [ForceRecord(made.prompt_id, made.index[0], *row) for row in made.forces]
    with new_file(path) as part, zipfile.ZipFile(part, "w") as archive:
        write_records(
            archive, rows, forces, dict(zip(COUNTS, (len(rows), made.passes, made.backward_passes), strict=True))
        )
        for row, png in zip(rows, pngs, strict=True):
            archive.writestr(entry(row.file), png)


def write_records(
    archive: zipfile.ZipFile, rows: list[ImageRecord], forces: list[ForceRecord], run: dict[str, int]
) -> None:
    archive.writestr(entry(MANIFEST), csv_of(ImageRecord, rows))
    archive.writestr(entry(FORCES), csv_of(ForceRecord, forces))
    archive.writestr(entry(RUN), json.dumps(run) + "\n")


def pack(path: Path, parts: list[Path]) -> None:
    """The parts, in their order, as one set; images are copied, not encoded again."""
    manifest = [row for part in parts for row in read_manifest(part)]
    manifest = [replace(row, file=file) for row, file in zip(manifest, file_names(len(manifest)), strict=True)]
    forces = [row for part in parts for row in read_forces(part)]
    runs = [read_run(part) for part in parts]
    run = {name: sum(one[name] for one in runs) for name in COUNTS}
    files = (row.file for row in manifest)
    with new_file(path) as whole, zipfile.ZipFile(whole, "w") as archive:
        write_records(archive, manifest, forces, run)
        for part in parts:
            for png in read_pngs(part):
                archive.writestr(entry(next(files)), png)


def open_set(path: Path) -> zipfile.ZipFile:
    if not path.is_file():
        raise BadInput(f"{path}: no such image set")
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise BadInput(f"{path}: truncated or not a ZIP ({error}); {AGAIN}") from None


def read_entry(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:  # e.g. encrypted
        raise BadInput(f"{path}: {name} cannot be read ({error}); {AGAIN}") from None


def read_manifest(path: Path) -> list[ImageRecord]:
    """The manifest's rows, in the order of the images. Raises BadInput for one that is not as it was written."""
    with open_set(path) as archive:
        rows = rows_of(ImageRecord, read_entry(path, archive, MANIFEST), f"{path}: {MANIFEST}")
        run = counts_of(read_entry(path, archive, RUN), f"{path}: {RUN}")
    require_as_written(path, rows, run["images"])
    return rows


def manifest_hash(path: Path) -> str:
    """sha256 of the manifest in the ZIP, and so of every image's bytes, id and seed."""
    with open_set(path) as archive:
        return hashlib.sha256(read_entry(path, archive, MANIFEST)).hexdigest()


def read_forces(path: Path) -> list[ForceRecord]:
    """Norms over whole particle sets, in the order in which they were recorded."""
    with open_set(path) as archive:
        return rows_of(ForceRecord, read_entry(path, archive, FORCES), f"{path}: {FORCES}")


def read_run(path: Path) -> dict[str, int]:
    """How many images the set has and how many latents went through the denoiser for them."""
    with open_set(path) as archive:
        return counts_of(read_entry(path, archive, RUN), f"{path}: {RUN}")


def read_pngs(path: Path, files: Iterable[str] | None = None) -> Iterator[bytes]:
    """The PNGs of the named files (all of them by default), each checked against the manifest's sha256."""
    expected = {row.file: row.sha256 for row in read_manifest(path)}
    with open_set(path) as archive:
        for name in expected if files is None else files:
            png = read_entry(path, archive, name)
            if hashlib.sha256(png).hexdigest() != expected[name]:
                raise BadInput(f"{path}: {name} is not the image of the manifest; {AGAIN}")
            yield png


def read_images(path: Path, files: Iterable[str] | None = None) -> Images:
    """The images of the named files (all of them by default)."""
    return decode_all(path, read_pngs(path, files))


def decode_all(path: Path, pngs: Iterable[bytes], size: tuple[int, int] | None = None) -> Images:
    """PNGs of the set at `path`, as one array. Raises BadInput where they differ in size (height, width), from each
    other or from the one expected, or one cannot be decoded."""
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(lambda png: decode(png, path), pngs))
    sizes = {image.shape[:2] for image in images} | ({size} if size else set())
    if len(sizes) > 1:
        raise BadInput(f"{path}: images of different sizes, {' and '.join(map(str, sorted(sizes)))}; {AGAIN}")
    return np.stack(images)
