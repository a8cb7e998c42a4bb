"""Which images of a set are shown first."""

from __future__ import annotations

import numpy as np
from PIL import Image

from analysis.study.inputs import manifest_of
from analysis.study.settings import Study
from pipeline.sets.image_sets import Images, read_images

SIDE = 96  # pixels: larger images are shown reduced


def first_images(study: Study, name: str, prompt_id: str, n: int) -> Images:
    """The n images of a prompt with the lowest indices (all, where there are fewer). A reference's images lie artist by
    artist: its n are spread over all of them. Images are reduced by a whole factor to at most SIDE pixels."""
    manifest = manifest_of(study, name)
    files = manifest[manifest["prompt_id"] == prompt_id].sort_values("index")["file"].to_list()
    if name in study.references and len(files) > n:
        files = [files[k] for k in np.linspace(0, len(files) - 1, n).round().astype(int)]
    images = read_images(study.samples(name), files[:n])
    shrink = -(-images.shape[1] // SIDE)
    return images if shrink == 1 else np.stack([np.asarray(Image.fromarray(i).reduce(shrink)) for i in images])
