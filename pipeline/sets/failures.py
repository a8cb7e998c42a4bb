"""Methods that could not be sampled, with their reasons: a run of all methods goes on without them."""

from __future__ import annotations

import json

from pipeline.profile.profile import Profile
from repulsion.core.errors import BadInput
from repulsion.core.files import new_file, read_json


def write_failures(profile: Profile, failed: dict[str, str]) -> None:
    """A reason for each method that failed."""
    with new_file(profile.failed) as part:
        part.write_text(json.dumps(failed, indent=1) + "\n", encoding="utf-8")


def read_failures(profile: Profile) -> dict[str, str]:
    """The reason for each method that failed in a run of all methods; sampled one by one, a method that fails stops the
    run, and there is no list."""
    if not profile.failed.is_file():
        return {}
    failed = read_json(profile.failed)
    if unknown := [name for name in failed if name not in profile.methods]:
        known = ", ".join(profile.methods)
        raise BadInput(f"{profile.failed}: unknown method {unknown[0]!r}; expected some of {known}")
    return failed


def sets_made(profile: Profile) -> list[str]:
    """The image sets of the profile, less those of methods that failed."""
    failed = read_failures(profile)
    return [name for name in profile.image_sets if name not in failed]
