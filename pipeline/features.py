"""STAGE features: the feature vectors of one image set, in its manifest's order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.devices import require_device
from pipeline.encoders import ENCODERS
from pipeline.feature_sets import FeatureSet, write_features
from pipeline.image_sets import read_images, read_manifest
from pipeline.params import require_one_of
from pipeline.profile import Profile
from pipeline.sections import EncoderParams
from pipeline.stage import main
from pipeline.weights import hash_of


def encoder_id(p: EncoderParams) -> str:
    """The encoder's name and its weights' hash: features with different ones are not comparable."""
    return f"{p.name} {hash_of(Path(p.weights))[:16]}"


def run(profile: Profile, name: str) -> None:
    require_device(profile.device)
    p = profile.encoder
    require_one_of(p.name, ENCODERS, "encoder")
    path = profile.samples(name)
    manifest = read_manifest(path)
    encoder = ENCODERS[p.name](Path(p.weights), profile.device)
    parts = []
    for k in tqdm(range(0, len(manifest), p.batch), desc=f"features {name}"):
        vectors = encoder.encode(read_images(path, manifest["file"][k : k + p.batch]))
        parts.append({space: values.float().cpu().numpy() for space, values in vectors.items()})
    whole = {space: np.concatenate([part[space] for part in parts]) for space in parts[0]}
    classes = {reading: np.array(names) for reading, names in encoder.classes.items()}
    ids = manifest["prompt_id"].to_numpy(str), manifest["index"].to_numpy(np.int64)
    write_features(profile.features(name), FeatureSet(encoder_id(p), classes, *ids, whole))


if __name__ == "__main__":
    main(run, "SET")
