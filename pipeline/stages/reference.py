"""STAGE reference: an image set that methods are compared with; without REFERENCE, all of them in one process."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from pipeline.profile.profile import Profile
from pipeline.profile.prompts import read_artists, read_prompts
from pipeline.profile.stage import main
from pipeline.sampling.particle_sets import inputs_of
from pipeline.sampling.references import REFERENCES, jobs
from pipeline.sampling.shards import make_set
from repulsion.core.errors import require_one_of
from repulsion.tensors.devices import require_device


def run(profile: Profile, name: str | None = None) -> None:
    require_device(profile.device)
    prompts, artists = read_prompts(profile.prompts_file), read_artists(profile.artists_file)
    for one in [name] if name else profile.references:
        require_one_of(one, profile.reference_sets, "reference")
        p = profile.reference_sets[one]
        require_one_of(p.kind, REFERENCES, f"kind of reference {one}:")
        todo = jobs(prompts, artists, p.images_per_artist, profile.sampling.particles)
        make_set(profile, one, todo, [asdict(p), *inputs_of(profile)], partial(REFERENCES[p.kind], profile, one, p))


if __name__ == "__main__":
    main(run, "REFERENCE")
