"""STAGE distances: one image set measured against the reference and the realism set, prompt by prompt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis import truth
from analysis.frechet import frechet
from analysis.mmd import mmd
from analysis.results import write_results
from pipeline.feature_sets import SPACES, FeatureSet, read_features, require_same_encoder
from pipeline.image_sets import read_run
from pipeline.params import BadInput
from pipeline.profile import Profile
from pipeline.stage import main

DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"frechet": frechet, "mmd": mmd}


def against(own: FeatureSet, other: FeatureSet, prompt_id: str, name: str) -> list[tuple]:
    """Every distance in every space between one prompt's images of two sets."""
    a, b = own.of(prompt_id), other.of(prompt_id)
    if not len(b["general"]):
        raise BadInput(f"set {name} has no images of prompt {prompt_id}")
    return [
        (prompt_id, metric, space, name, len(a[space]), distance(a[space], b[space]))
        for metric, distance in DISTANCES.items()
        for space in SPACES
    ]


def readings(own: FeatureSet, prompt_id: str, subject: str) -> list[tuple]:
    """What the ground-truth readout finds, where the encoder has one."""
    vectors = own.of(prompt_id)
    found = {}
    if "artist" in vectors:
        found["effective_artists"] = truth.effective_artists(vectors["artist"])
        found["artist_confidence"] = truth.confidence(vectors["artist"])
    if "place" in vectors:
        found["place_spread"] = truth.place_spread(vectors["place"])
    if "subject" in vectors and subject in own.classes["subject"]:
        column = list(own.classes["subject"]).index(subject)
        found["subject_accuracy"] = truth.subject_accuracy(vectors["subject"], column)
    return [(prompt_id, metric, "", "", len(vectors["general"]), value) for metric, value in found.items()]


def run(profile: Profile, name: str) -> None:
    p = profile.distances
    own = read_features(profile.features(name))
    prompts = pd.read_csv(profile.prompts_file, dtype=str, keep_default_na=False)
    rows = []
    for other_name in dict.fromkeys((p.reference, p.realism)):
        other = read_features(profile.features(other_name))
        require_same_encoder(own, other, f"set {name}")
        if other_name != name:
            rows += [row for prompt_id in prompts["prompt_id"] for row in against(own, other, prompt_id, other_name)]
    for prompt_id, subject in zip(prompts["prompt_id"], prompts["subject"], strict=True):
        rows += readings(own, prompt_id, subject)
    write_results(profile, name, rows, read_run(profile.samples(name))["denoiser_passes"])


if __name__ == "__main__":
    main(run, "SET")
