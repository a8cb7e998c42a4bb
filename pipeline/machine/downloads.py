"""What a profile needs and git does not hold: a model from the Hugging Face hub, the encoder's weights.

Nothing is downloaded on the side: `make fetch` is the only command that needs the network, and a stage names what is
missing.
"""

from __future__ import annotations

import os
from http.client import HTTPException
from pathlib import Path

from tqdm import tqdm

from pipeline.encoders.weights_file import require_weights_of
from pipeline.profile.profile import Profile
from pipeline.profile.stage import main
from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file
from repulsion.diffusion.model_folder import LAYOUTS, check_folder, stem

# Encoders whose weights have an address.
ADDRESSES = {
    "inception": "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
}
ENDS = (".safetensors", ".safetensors.index.json", "-*-of-*.safetensors")
# Of a repository, what is loaded, whole or in shards; it also holds the same weights in other formats, twice over.
PATTERNS = [
    "model_index.json",
    "scheduler/scheduler_config.json",
    *sorted({f"{part}/*" for layout in LAYOUTS.values() for part in layout.tokenizers}),
    *(
        f"{part}/{name}"
        for part in sorted({part for layout in LAYOUTS.values() for part in layout.networks})
        for name in ("config.json", *(f"{stem(part)}{end}" for end in ENDS))
    ),
]


def fetch_model(profile: Profile) -> None:
    """The model's folder, from the hub."""
    from huggingface_hub import snapshot_download

    source = profile.source
    try:
        snapshot_download(source.repository, revision=source.revision, local_dir=profile.model, allow_patterns=PATTERNS)
    except Exception as error:  # of whichever transport the hub's client is built on
        raise BadInput(
            f"model: {source.repository} at {source.revision}: download failed ({one_line(error)}); "
            f"put a folder in diffusers' format at {profile.model}"
        ) from None


def fetch_encoder(profile: Profile) -> None:
    """The encoder's file, from its address."""
    from torch.hub import download_url_to_file

    path, url = Path(profile.encoder.weights), ADDRESSES[profile.encoder.name]
    try:
        with new_file(path) as part:
            download_url_to_file(url, str(part), progress=False)
    except (OSError, HTTPException) as error:
        raise BadInput(f"encoder: {url}: download failed ({error}); copy {Path(url).name} to {path}") from None


def require_model(profile: Profile) -> None:
    """Raise BadInput for a model's folder that is missing or not whole; where it is a download, with the command
    that fetches it."""
    try:
        check_folder(Path(profile.model))
    except BadInput as error:
        raise BadInput(f"{error}{fetch_command(profile) if profile.source else ''}") from None


def require_encoder_weights(profile: Profile) -> None:
    """Raise BadInput for encoder weights that are missing or others; where they are a download, with the command."""
    try:
        require_weights_of(profile.encoder)
    except BadInput as error:
        raise BadInput(f"{error}{fetch_command(profile) if profile.encoder.sha256 else ''}") from None


def fetch_command(profile: Profile) -> str:
    return f"; make fetch PROFILE={profile.profile} downloads it"


def run(profile: Profile) -> None:
    """Fetch what has an address: the model at its revision, of which only what has changed is loaded, and the encoder's
    file where it is missing. Then all of it must be there."""
    model, weights = Path(profile.model), Path(profile.encoder.weights)
    os.environ["HF_HUB_OFFLINE"] = "0"  # the Makefile keeps everything else from the hub; read when the hub is imported
    todo = [fetch_model] if profile.source else []
    if not weights.exists() and profile.encoder.name in ADDRESSES:
        todo.append(fetch_encoder)
    for fetch in tqdm(todo, desc="fetch"):
        fetch(profile)
    check_folder(model)
    require_weights_of(profile.encoder)


if __name__ == "__main__":
    main(run)
