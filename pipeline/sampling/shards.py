"""Unfinished image sets: each particle set is kept as soon as it is made, and until then what it needs to resume.

Shards live in the scratch folder, under the name of the set and a fingerprint of everything that they depend on. Those
of another fingerprint are deleted; those of a finished set stay until then, as DVC deletes an output that is not yet in
its lock.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.profile.profile import Profile
from pipeline.profile.prompts import Prompt
from pipeline.sampling.coordinator import Work
from pipeline.sampling.fan_out import complete, work_folder
from pipeline.sets.image_sets import ParticleSet, pack, read_pngs, write_part
from repulsion.core.errors import BadInput


@dataclass(frozen=True)
class Job:
    """One particle set to make: a prompt and the indices of its images. `texts`: one for each image, or one for all."""

    prompt: Prompt
    index: tuple[int, ...]
    texts: tuple[str, ...]

    @property
    def name(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16] + ".zip"


def is_whole(shard: Path) -> bool:
    """Whether a shard holds every image as it was written; one that is damaged is made again."""
    try:
        return sum(1 for _ in read_pngs(shard)) > 0
    except BadInput:
        return False


Make = Callable[[Job, Path], ParticleSet]  # the folder is for what an unfinished set needs to resume


def make_set(
    profile: Profile, name: str, jobs: list[Job], inputs: list[Any], load: Callable[[], Make], passes: float = math.nan
) -> None:
    """Make the jobs that are not yet there, and pack all of them as the image set `name`.

    `inputs` is what the images depend on besides the jobs and the code; load() gives the function that makes one, and
    is not called where nothing is left to make. `passes`: latents through the denoiser for one job; nan where they are
    not counted.
    """
    folder = work_folder(profile.scratch / "shards" / name, inputs)
    by_file = {folder / job.name: job for job in jobs}

    def load_make() -> Callable[[Path, Path], None]:
        make = load()
        return lambda file, part: write_part(part, name, make(by_file[file], file.with_suffix("")))

    if not complete(profile, Work(name, folder, list(by_file), is_whole, load_make, passes, forks=True)):
        return
    for shard in by_file:
        shutil.rmtree(shard.with_suffix(""), ignore_errors=True)
    pack(profile.samples(name), list(by_file))
