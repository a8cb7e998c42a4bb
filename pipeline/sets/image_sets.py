"""Image sets on disk: one ZIP of PNGs for each set, with a manifest that names every image.

A set's ZIP holds manifest.csv, one row for each image; its PNGs, stored as they are, in the manifest's order; and small
records of the run. Its bytes depend on what is in it alone: no times, a fixed order. File names are numbers, so that no
id or prompt forms a path. Images are uint8 NHWC RGB in [0, 255].
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file

MANIFEST = "manifest.csv"
FORCES = "forces.csv"
RUN = "run.json"
COLUMNS = ("file", "prompt_id", "set", "index", "seed", "sha256")
FORCE_COLUMNS = ("prompt_id", "first_index", "level", "sigma", "score_norm", "repulsion_norm")
COUNTS = ("images", "denoiser_passes", "denoiser_backward_passes")
SHA256 = re.compile("[0-9a-f]{64}")
AGAIN = "delete the set and run dvc repro again"
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
    rows = [
        (f"{k:06d}.png", made.prompt_id, name, index, str(seed), hashlib.sha256(png).hexdigest())
        for k, (index, seed, png) in enumerate(zip(made.index, made.seed, pngs, strict=True))
    ]
    forces = [(made.prompt_id, made.index[0], *row) for row in made.forces]
    with new_file(path) as part, zipfile.ZipFile(part, "w") as archive:
        run = {"images": len(rows), "denoiser_passes": made.passes, "denoiser_backward_passes": made.backward_passes}
        write_records(archive, rows, forces, run)
        for row, png in zip(rows, pngs, strict=True):
            archive.writestr(entry(row[0]), png)


def write_records(archive: zipfile.ZipFile, rows: list[tuple], forces: list[tuple], run: dict[str, int]) -> None:
    for name, columns, values in ((MANIFEST, COLUMNS, rows), (FORCES, FORCE_COLUMNS, forces)):
        table = pd.DataFrame(values, columns=columns)
        archive.writestr(entry(name), table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    archive.writestr(entry(RUN), json.dumps(run) + "\n")


def pack(path: Path, parts: list[Path]) -> None:
    """The parts, in their order, as one set; images are copied, not encoded again."""
    manifest = pd.concat([read_manifest(part) for part in parts], ignore_index=True)
    manifest["file"] = [f"{k:06d}.png" for k in range(len(manifest))]
    forces = [row for part in parts for row in read_forces(part).itertuples(index=False)]
    runs = [read_run(part) for part in parts]
    run = {name: sum(one[name] for one in runs) for name in runs[0]}
    files = iter(manifest["file"])
    with new_file(path) as whole, zipfile.ZipFile(whole, "w") as archive:
        write_records(archive, list(manifest.itertuples(index=False)), forces, run)
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


def read_csv(path: Path, archive: zipfile.ZipFile, name: str, dtypes: dict[str, type]) -> pd.DataFrame:
    """A CSV of the set, with these columns in this order. Ids are text, whatever they look like."""
    text = io.BytesIO(read_entry(path, archive, name))
    try:
        table = pd.read_csv(text, dtype=dtypes, keep_default_na=False, encoding="utf-8")
    except ValueError as error:  # pandas' own errors and UnicodeDecodeError, too
        raise BadInput(f"{path}: {name} cannot be read ({one_line(error)}); {AGAIN}") from None
    if list(table.columns) != list(dtypes):
        title = name.removesuffix(".csv")
        raise BadInput(f"{path}: {title} has columns {', '.join(table.columns)}; expected {', '.join(dtypes)}")
    return table


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest's rows, in the order of the images. Raises BadInput for one that is not as it was written: another
    number of rows, other files or sets, an image that is listed twice."""
    with open_set(path) as archive:
        table = read_csv(path, archive, MANIFEST, {c: str for c in COLUMNS} | {"index": int})
    if len(table) != (images := read_run(path)["images"]):
        raise BadInput(f"{path}: the manifest has {len(table)} rows, expected {images}; {AGAIN}")
    if table["file"].tolist() != [f"{k:06d}.png" for k in range(len(table))] or table["set"].nunique() != 1:
        raise BadInput(f"{path}: the manifest's files or sets are not as they were written; {AGAIN}")
    if (twice := table.duplicated(["prompt_id", "index"])).any():
        row = table[twice].iloc[0]
        raise BadInput(f"{path}: image {row['index']} of prompt {row['prompt_id']} is listed twice; {AGAIN}")
    if not all(map(SHA256.fullmatch, table["sha256"])):
        raise BadInput(f"{path}: invalid sha256 in the manifest; {AGAIN}")
    return table


def require_images(path: Path, manifest: pd.DataFrame, name: str, expected: list[tuple[str, int]]) -> None:
    """Raise BadInput unless the manifest is that of the set `name` and lists the images (prompt_id, index) expected of
    it, in their order: no set is read for another one, or for a part of itself."""
    if (found := manifest["set"].iloc[0]) != name:
        raise BadInput(f"{path}: holds the set {found}, expected {name}; {AGAIN}")
    images = list(zip(manifest["prompt_id"], manifest["index"], strict=True))
    for k, (found, wanted) in enumerate(zip_longest(images, expected)):
        if found != wanted:
            one, other = ("no image" if i is None else f"image {i[1]} of prompt {i[0]}" for i in (found, wanted))
            raise BadInput(f"{path}: row {k} is {one}, expected {other}; {AGAIN}")


def manifest_hash(path: Path) -> str:
    """sha256 of the manifest in the ZIP, and so of every image's bytes, id and seed."""
    with open_set(path) as archive:
        return hashlib.sha256(read_entry(path, archive, MANIFEST)).hexdigest()


def read_forces(path: Path) -> pd.DataFrame:
    """Norms over whole particle sets: prompt_id, first_index of the set, level, sigma, score_norm, repulsion_norm."""
    kinds = dict.fromkeys(FORCE_COLUMNS, float) | {"prompt_id": str, "first_index": int, "level": int}
    with open_set(path) as archive:
        return read_csv(path, archive, FORCES, kinds)


def read_run(path: Path) -> dict[str, int]:
    """How many images the set has and how many latents went through the denoiser for them."""
    with open_set(path) as archive:
        text = read_entry(path, archive, RUN)
    try:
        run = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{path}: {RUN} cannot be read ({one_line(error)}); {AGAIN}") from None
    if not isinstance(run, dict) or tuple(run) != COUNTS or not all(type(n) is int and n >= 0 for n in run.values()):
        raise BadInput(f"{path}: {RUN}: expected counts {', '.join(COUNTS)}, got {str(run)[:80]}; {AGAIN}")
    return run


def read_pngs(path: Path, files: Iterable[str] | None = None) -> Iterator[bytes]:
    """The PNGs of the named files (all of them by default), each checked against the manifest's sha256."""
    expected = dict(read_manifest(path)[["file", "sha256"]].itertuples(index=False))
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
