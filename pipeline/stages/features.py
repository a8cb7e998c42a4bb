"""STAGE features: the feature vectors of one image set, in its manifest's order; without SET, of all sets but those
of methods that failed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from pipeline.encoders.encoders import Encoder, load_encoder
from pipeline.encoders.weights_file import encoder_id
from pipeline.profile.executor import works_here
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import read_artists, read_prompts
from pipeline.profile.stage import main
from pipeline.sampling.coordinator import Work
from pipeline.sampling.fan_out import complete, work_folder
from pipeline.sets.failures import sets_made
from pipeline.sets.feature_sets import FeatureSet, write_features
from pipeline.sets.image_sets import decode_all, manifest_hash, read_images, read_manifest, read_pngs
from pipeline.sets.records import require_images
from repulsion.tensors.devices import require_device
from repulsion.tensors.weights import is_kept, write_tensors


def encode(profile: Profile, encoder: Encoder, name: str) -> None:
    """The features file of one set. Every batch's vectors stay in the scratch folder, also after the last: DVC deletes
    an output that is not yet in its lock."""
    p, path = profile.encoder, profile.samples(name)
    manifest, used = read_manifest(path), encoder_id(p)
    prompt_ids = [q.prompt_id for q in read_prompts(profile.prompts_file)]
    artists = read_artists(profile.artists_file)
    require_images(path, manifest, name, profile.images(name, prompt_ids, len(artists)))
    inputs = used, p.batch, profile.device, [row.sha256 for row in manifest]
    folder = work_folder(profile.scratch / "features" / name, *inputs)
    size = read_images(path, [manifest[0].file]).shape[1:3]
    starts = {folder / f"{k:06d}.safetensors": k for k in range(0, len(manifest), p.batch)}

    def make(file: Path, part: Path) -> None:
        rows = manifest[starts[file] : starts[file] + p.batch]
        images = decode_all(path, read_pngs(path, [row.file for row in rows]), size)
        write_tensors(part, {space: v.float().cpu() for space, v in encoder.encode(images).items()})

    if not complete(profile, Work(f"features {name}", folder, list(starts), is_kept, lambda: make)):
        return
    parts = [load_file(file) for file in starts]
    whole = {space: torch.cat([part[space] for part in parts]).numpy() for space in parts[0]}
    classes = {reading: np.array(names) for reading, names in encoder.classes.items()}
    ids = np.array([row.prompt_id for row in manifest]), np.array([row.index for row in manifest], np.int64)
    write_features(profile.features(name), FeatureSet(name, manifest_hash(path), used, classes, *ids, whole))


def run(profile: Profile, name: str | None = None) -> None:
    if works_here(profile):
        require_device(profile.device)
    # where tasks encode, this process only asks it for its classes
    encoder = load_encoder(profile.encoder, profile.device if works_here(profile) else "cpu")
    for one in [name] if name else sets_made(profile):
        encode(profile, encoder, one)


if __name__ == "__main__":
    main(run, "SET")
