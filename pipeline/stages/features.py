"""STAGE features: the feature vectors of one image set, in its manifest's order."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.encoders.encoders import ENCODERS
from pipeline.machine.checks import image_size, require_ready
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import read_artists, read_prompts
from pipeline.profile.sections import EncoderParams
from pipeline.profile.stage import main
from pipeline.sets.feature_sets import FeatureSet, write_features
from pipeline.sets.image_sets import decode_all, manifest_hash, read_manifest, read_pngs, require_images
from pipeline.training.loop import fingerprint
from repulsion.core.errors import require_one_of
from repulsion.tensors.slices import Journal, forget_others
from repulsion.tensors.weights import hash_of


def encoder_id(p: EncoderParams) -> str:
    """The encoder's name and its weights' hash: features with different ones are not comparable."""
    return f"{p.name} {hash_of(Path(p.weights))[:16]}"


def run(profile: Profile, name: str) -> None:
    """Every micro-batch's vectors are kept, also when all are there: DVC deletes a file that it has not noted."""
    require_ready(profile)
    p = profile.encoder
    require_one_of(p.name, ENCODERS, "encoder")
    path = profile.samples(name)
    manifest, used = read_manifest(path), encoder_id(p)
    prompt_ids = [q.prompt_id for q in read_prompts(profile.prompts_file)]
    artists = read_artists(profile.artists_file)
    require_images(path, manifest, name, profile.images(name, prompt_ids, len(artists)))
    inputs = used, p.batch, profile.device, manifest["sha256"].tolist()
    kept = profile.scratch / "features" / name / fingerprint(*inputs)
    forget_others(kept)
    journal, size = Journal(kept), image_size(profile)
    encoder = ENCODERS[p.name](Path(p.weights), profile.device)
    pngs, parts = read_pngs(path), []
    for _ in tqdm(range(0, len(manifest), p.batch), desc=f"features {name}"):
        batch = list(islice(pngs, p.batch))
        parts.append(journal.kept(lambda batch=batch: on_cpu(encoder.encode(decode_all(path, batch, size)))))
    whole = {space: torch.cat([part[space] for part in parts]).numpy() for space in parts[0]}
    classes = {reading: np.array(names) for reading, names in encoder.classes.items()}
    ids = manifest["prompt_id"].to_numpy(str), manifest["index"].to_numpy(np.int64)
    write_features(profile.features(name), FeatureSet(name, manifest_hash(path), used, classes, *ids, whole))


def on_cpu(vectors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {space: values.float().cpu() for space, values in vectors.items()}


if __name__ == "__main__":
    main(run, "SET")
