"""STAGE features: the feature vectors of one image set, in its manifest's order; without SET, of all sets but those
of methods that failed."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.encoders.encoders import Encoder, load_encoder
from pipeline.encoders.weights_file import encoder_id
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import read_artists, read_prompts
from pipeline.profile.scratch import scratch_folder
from pipeline.profile.stage import main
from pipeline.sets.failures import sets_made
from pipeline.sets.feature_sets import FeatureSet, write_features
from pipeline.sets.image_sets import decode_all, manifest_hash, read_images, read_manifest, read_pngs
from pipeline.sets.records import require_images
from repulsion.tensors.devices import require_device
from repulsion.tensors.weights import kept_or_made


def encode(profile: Profile, encoder: Encoder, name: str) -> None:
    """The features file of one set. Every batch's vectors stay in the scratch folder, also after the last: DVC deletes
    an output that is not yet in its lock."""
    p, path = profile.encoder, profile.samples(name)
    manifest, used = read_manifest(path), encoder_id(p)
    prompt_ids = [q.prompt_id for q in read_prompts(profile.prompts_file)]
    artists = read_artists(profile.artists_file)
    require_images(path, manifest, name, profile.images(name, prompt_ids, len(artists)))
    inputs = used, p.batch, profile.device, [row.sha256 for row in manifest]
    folder = scratch_folder(profile.scratch / "features" / name, *inputs)
    pngs, parts = read_pngs(path), []
    size = read_images(path, [manifest[0].file]).shape[1:3]
    for k in tqdm(range(0, len(manifest), p.batch), desc=f"features {name}"):
        batch = list(islice(pngs, p.batch))

        def made(batch: list[bytes] = batch) -> dict[str, Tensor]:
            return {space: v.float().cpu() for space, v in encoder.encode(decode_all(path, batch, size)).items()}

        parts.append(kept_or_made(folder / f"{k:06d}.safetensors", made))
    whole = {space: torch.cat([part[space] for part in parts]).numpy() for space in parts[0]}
    classes = {reading: np.array(names) for reading, names in encoder.classes.items()}
    ids = np.array([row.prompt_id for row in manifest]), np.array([row.index for row in manifest], np.int64)
    write_features(profile.features(name), FeatureSet(name, manifest_hash(path), used, classes, *ids, whole))


def run(profile: Profile, name: str | None = None) -> None:
    require_device(profile.device)
    encoder = load_encoder(profile.encoder, profile.device)
    for one in [name] if name else sets_made(profile):
        encode(profile, encoder, one)


if __name__ == "__main__":
    main(run, "SET")
