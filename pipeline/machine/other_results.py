"""Results of other profiles, which a profile's figures and report read: they are to be there before it samples."""

from __future__ import annotations

from pathlib import Path

from pipeline.profile.profile import Profile
from repulsion.core.errors import BadInput
from repulsion.core.files import read_yaml

# By the key of `analysis` that names the other profile: a file of its results, and what makes it.
READ = {"sweep": ("chosen.csv", "make sweep"), "validation": ("sensitivity.csv", "make validate")}


def other_results(profile: Profile) -> str:
    """Their folders. Raises BadInput where one lacks its file."""
    params = f"{profile.here}params.yaml"
    analysis = read_yaml(Path(params))["analysis"]
    for key, (file, command) in READ.items():
        path = Path("results") / analysis[key] / file
        if not path.is_file():
            raise BadInput(f"results: analysis.{key} of {params}: no {path}; {command} makes it")
    return ", ".join(f"results/{analysis[key]}" for key in READ)
