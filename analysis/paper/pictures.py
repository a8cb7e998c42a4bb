"""Which images of a set are shown first."""

from __future__ import annotations

from itertools import chain

import numpy as np
from PIL import Image

from analysis.study.inputs import manifest_of
from analysis.study.settings import Study
from pipeline.sets.image_sets import Images, read_images

SIDE = 96  # pixels: larger images are shown reduced


def first_images(study: Study, name: str, prompt_ids: list[str], n: int) -> dict[str, Images]:
    """The n images of each prompt with the lowest indices (all, where there are fewer). A reference's images lie artist
    by artist: its n are spread over all of them. Images are reduced by a whole factor to at most SIDE pixels."""
    manifest, files = manifest_of(study, name), {}
    for prompt_id in prompt_ids:
        of_prompt = manifest[manifest["prompt_id"] == prompt_id].sort_values("index")["file"].to_list()
        if name in study.references and len(of_prompt) > n:
            of_prompt = [of_prompt[k] for k in np.linspace(0, len(of_prompt) - 1, n).round().astype(int)]
        files[prompt_id] = of_prompt[:n]
    images = read_images(study.samples(name), chain.from_iterable(files.values()))
    shrink = -(-images.shape[1] // SIDE)
    if shrink > 1:
        images = np.stack([np.asarray(Image.fromarray(i).reduce(shrink)) for i in images])
    ends = np.cumsum([len(of_prompt) for of_prompt in files.values()])
    return dict(zip(files, np.split(images, ends[:-1]), strict=True))
