"""STAGE sweep: every set of a profile in one process, sampled and turned into features.

For profiles of many rows whose images nobody keeps: a stage for each row would pay for its imports a hundred times.
What is finished stays in the scratch folder, so that a changed row makes that row again and no other.
"""

from __future__ import annotations

import json

from pipeline.profile.profile import Profile
from pipeline.profile.stage import main
from pipeline.stages import features, reference
from pipeline.stages import sample as generate
from repulsion.core.files import new_file


def run(profile: Profile) -> None:
    """A row whose values leave the finite numbers is noted with the reason; the others go on."""
    failed = {}
    for name in profile.references:
        reference.run(profile, name)
    for name in profile.methods:
        try:
            generate.run(profile, name)
        except FloatingPointError as error:
            failed[name] = str(error)
    for name in profile.sets:
        if name not in failed:
            features.run(profile, name)
    with new_file(profile.failed) as part:
        part.write_text(json.dumps(failed, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(run)
