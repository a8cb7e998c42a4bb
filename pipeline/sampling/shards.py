"""Unfinished image sets: each particle set is kept as soon as it is made, and until then what it needs to resume.

Shards live in the scratch folder, under the name of the set and a fingerprint of everything that they depend on. Those
of another fingerprint are deleted; those of a finished set stay until then, as DVC deletes an output that is not yet in
its lock.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline.profile.profile import Profile
from pipeline.profile.prompts import Prompt
from pipeline.profile.scratch import scratch_folder
from pipeline.sampling.workers import each_done, torch_threads, workers_and_threads
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


def make_set(profile: Profile, name: str, jobs: list[Job], inputs: list[Any], load: Callable[[], Make]) -> None:
    """Make the jobs that are not yet there, and pack all of them as the image set `name`.

    `inputs` is what the images depend on besides the jobs and the code; load() gives the function that makes one, and
    is not called where nothing is left to make.
    """
    folder = scratch_folder(profile.scratch / "shards" / name, inputs)
    shards = {job: folder / job.name for job in jobs}
    if todo := [job for job in jobs if not is_whole(shards[job])]:
        workers, threads = workers_and_threads(profile.device, len(jobs))
        with tqdm(total=len(jobs), initial=len(jobs) - len(todo), desc=name) as bar, torch_threads(1):
            make = load()

            def work(job: Job) -> None:
                write_part(shards[job], name, make(job, shards[job].with_suffix("")))

            for _ in each_done(work, todo, workers, threads):
                bar.update()
    for shard in shards.values():
        shutil.rmtree(shard.with_suffix(""), ignore_errors=True)
    pack(profile.samples(name), list(shards.values()))
