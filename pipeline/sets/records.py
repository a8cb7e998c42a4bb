"""The small records of an image set: which images it has, what forces its run saw, what it cost.

Plain rows, so that what samples images needs no pandas; `pandas.DataFrame(rows)` is a table of them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from repulsion.core.errors import BadInput, one_line

MANIFEST = "manifest.csv"
FORCES = "forces.csv"
RUN = "run.json"
COUNTS = ("images", "denoiser_passes", "denoiser_backward_passes")
SHA256 = re.compile("[0-9a-f]{64}")
AGAIN = "delete the set and run dvc repro again"
KINDS = {"str": str, "int": int, "float": float}  # the types of columns, as the annotations below spell them


@dataclass(frozen=True)
class ImageRecord:
    """A row of the manifest. `file` is the PNG's name in the ZIP, `set` the image set's; ids are text, whatever they
    look like, and so are seeds, whose 63 bits a table program would round."""

    file: str
    prompt_id: str
    set: str
    index: int
    seed: str
    sha256: str


@dataclass(frozen=True)
class ForceRecord:
    """Norms over a whole particle set, whose first image is `first_index`, at one evaluation of the drift."""

    prompt_id: str
    first_index: int
    level: int
    sigma: float
    score_norm: float
    repulsion_norm: float


Record = TypeVar("Record", ImageRecord, ForceRecord)


def columns_of(kind: type[Record]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def csv_of(kind: type[Record], rows: Sequence[Record]) -> str:
    """Rows under a head, numbers to six digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns_of(kind))
    writer.writerows([f"{v:.6g}" if isinstance(v, float) else v for v in astuple(row)] for row in rows)
    return text.getvalue()


def rows_of(kind: type[Record], content: bytes, where: str) -> list[Record]:
    """The rows of a CSV with the columns of this kind, in this order. Raises BadInput for anything else."""
    convert = [KINDS[field.type] for field in fields(kind)]
    try:
        head, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        if tuple(head) == columns_of(kind):
            return [kind(*(make(cell) for make, cell in zip(convert, row, strict=True))) for row in rows]
    except (ValueError, csv.Error) as error:  # UnicodeDecodeError, too
        raise BadInput(f"{where} cannot be read ({one_line(error)}); {AGAIN}") from None
    raise BadInput(f"{where} has columns {', '.join(head)}; expected {', '.join(columns_of(kind))}")


def counts_of(content: bytes, where: str) -> dict[str, int]:
    """How many images a run made, and how many latents went through the denoiser for them."""
    try:
        run = json.loads(content)
    except ValueError as error:
        raise BadInput(f"{where} cannot be read ({one_line(error)}); {AGAIN}") from None
    if not isinstance(run, dict) or tuple(run) != COUNTS or not all(type(n) is int and n >= 0 for n in run.values()):
        raise BadInput(f"{where}: expected counts {', '.join(COUNTS)}, got {str(run)[:80]}; {AGAIN}")
    return run


def require_as_written(path: Path, rows: Sequence[ImageRecord], images: int) -> None:
    """Raise BadInput for a manifest that is not as it was written: another number of rows than the run made images,
    other files or sets, an image that is listed twice."""
    if len(rows) != images:
        raise BadInput(f"{path}: the manifest has {len(rows)} rows, expected {images}; {AGAIN}")
    if [row.file for row in rows] != file_names(len(rows)) or len({row.set for row in rows}) != 1:
        raise BadInput(f"{path}: the manifest's files or sets are not as they were written; {AGAIN}")
    seen: set[tuple[str, int]] = set()
    for row in rows:
        if (image := (row.prompt_id, row.index)) in seen:
            raise BadInput(f"{path}: image {row.index} of prompt {row.prompt_id} is listed twice; {AGAIN}")
        seen.add(image)
    if not all(SHA256.fullmatch(row.sha256) for row in rows):
        raise BadInput(f"{path}: invalid sha256 in the manifest; {AGAIN}")


def require_images(path: Path, rows: Sequence[ImageRecord], name: str, expected: list[tuple[str, int]]) -> None:
    """Raise BadInput unless the manifest is that of the set `name` and lists the images (prompt_id, index) expected of
    it, in their order: no set is read for another one, or for a part of itself."""
    if (found := rows[0].set) != name:
        raise BadInput(f"{path}: holds the set {found}, expected {name}; {AGAIN}")

    def named(image: Any) -> str:
        return "no image" if image is None else f"image {image[1]} of prompt {image[0]}"

    for k, (image, wanted) in enumerate(zip_longest([(row.prompt_id, row.index) for row in rows], expected)):
        if image != wanted:
            raise BadInput(f"{path}: row {k} is {named(image)}, expected {named(wanted)}; {AGAIN}")


def file_names(images: int) -> list[str]:
    return [f"{k:06d}.png" for k in range(images)]
