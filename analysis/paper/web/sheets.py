"""Sheets: the first images of each prompt and set as one picture, all within a budget of bytes."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from analysis.paper.pictures import first_images
from analysis.study.settings import Study
from pipeline.sets.image_sets import Images
from repulsion.core.errors import BadInput

COLUMNS = 8
# How many images of a set, at which quality (of WEBP): the first that fits the budget.
STEPS = ((32, 85), (32, 75), (32, 60), (16, 75), (16, 60), (8, 60), (8, 40))
BUDGET = 5_000_000  # bytes of all sheets as text; the page is to stay below 8 MB

Sheets = dict[str, dict[str, str]]  # prompt -> set -> address of the picture


def data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def sheet(images: Images, quality: int) -> str:
    """Images as one picture, COLUMNS in a row."""
    tiles = list(images)
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[k : k + COLUMNS], axis=1) for k in range(0, len(tiles), COLUMNS)]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(rows)).save(buffer, "WEBP", quality=quality)
    return data_uri("webp", buffer.getvalue())


def within(images: dict[str, dict[str, Images]], shown: int, quality: int, budget: int) -> Sheets | None:
    """The sheets, or None where they are more than the budget."""
    found: Sheets = {}
    for prompt_id, of_prompt in images.items():
        found[prompt_id] = {name: sheet(tiles[:shown], quality) for name, tiles in of_prompt.items()}
        budget -= sum(map(len, found[prompt_id].values()))
        if budget < 0:
            return None
    return found


def fitting(images: dict[str, dict[str, Images]], budget: int = BUDGET) -> tuple[Sheets, int]:
    """A sheet for each prompt and set, and how many images are on each. Quality, then the number of images, falls until
    all fit. Raises BadInput where the least does not."""
    for shown, quality in STEPS:
        if (found := within(images, shown, quality, budget)) is not None:
            return found, shown
    sheets = sum(map(len, images.values()))
    raise BadInput(f"the page's pictures: expected {budget} bytes at most, got more, of {sheets} sheets of 8 images")


def images_of(study: Study, prompt_ids: list[str]) -> dict[str, dict[str, Images]]:
    """The first images of each prompt and set."""
    most = max(shown for shown, _ in STEPS)
    of_set = {name: first_images(study, name, prompt_ids, most) for name in study.image_sets}
    return {prompt_id: {name: found[prompt_id] for name, found in of_set.items()} for prompt_id in prompt_ids}


def size_of(images: Images, shown: int) -> tuple[int, int]:
    """Width and height of a sheet."""
    n = min(shown, len(images))
    return COLUMNS * images.shape[2], -(-n // COLUMNS) * images.shape[1]


def figure(content: bytes, photos: bool = False) -> str:
    """A figure as the smaller of its PNG and a WEBP: without loss, or, where it holds photographs, at a quality of "
    "90."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.convert("RGB").save(buffer, "WEBP", lossless=not photos, quality=90, method=4)
    return min(data_uri("webp", buffer.getvalue()), data_uri("png", content), key=len)
