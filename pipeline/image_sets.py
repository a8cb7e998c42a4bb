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
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import UInt8
from PIL import Image

from pipeline.params import BadInput, new_file

MANIFEST = "manifest.csv"
FORCES = "forces.csv"
RUN = "run.json"
COLUMNS = ("file", "prompt_id", "set", "index", "seed", "sha256")
FORCE_COLUMNS = ("prompt_id", "first_index", "level", "sigma", "score_norm", "repulsion_norm")
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


def decode(png: bytes) -> UInt8[np.ndarray, "h w 3"]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def entry(name: str) -> zipfile.ZipInfo:
    """A stored file of 1980: the same bytes whenever it is written."""
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
        raise BadInput(f"{path}: truncated or no ZIP ({error}); {AGAIN}") from None


def read_entry(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (KeyError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise BadInput(f"{path}: {name} cannot be read ({error}); {AGAIN}") from None


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest's rows, in the order of the images. Ids are text, whatever they look like."""
    with open_set(path) as archive:
        text = io.BytesIO(read_entry(path, archive, MANIFEST))
    table = pd.read_csv(text, dtype={c: str for c in COLUMNS} | {"index": int}, keep_default_na=False)
    if tuple(table.columns) != COLUMNS:
        raise BadInput(f"{path}: manifest has columns {', '.join(table.columns)}; expected {', '.join(COLUMNS)}")
    if len(table) != (images := read_run(path)["images"]):
        raise BadInput(f"{path}: the manifest has {len(table)} rows, expected {images}; {AGAIN}")
    return table


def read_forces(path: Path) -> pd.DataFrame:
    """Norms over whole particle sets: prompt_id, first_index of the set, level, sigma, score_norm, repulsion_norm."""
    with open_set(path) as archive:
        return pd.read_csv(
            io.BytesIO(read_entry(path, archive, FORCES)), dtype={"prompt_id": str}, keep_default_na=False
        )


def read_run(path: Path) -> dict[str, Any]:
    """How many images the set has and how many latents went through the denoiser for them."""
    with open_set(path) as archive:
        return json.loads(read_entry(path, archive, RUN))


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
    return decode_all(read_pngs(path, files))


def decode_all(pngs: Iterable[bytes]) -> Images:
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(decode, pngs)))
