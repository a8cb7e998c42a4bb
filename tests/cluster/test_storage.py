"""Image sets in DVC remotes: a folder on a shared disk, and an S3-compatible store on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


def dvc(folder: Path, *words: str) -> None:
    # loopback alone: a proxy of the environment is for other addresses
    environment = os.environ | CREDENTIALS | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    found = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr


def repository(folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    dvc(folder, "init", "--quiet")
    return folder


@pytest.fixture
def store():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    finally:
        server.stop()


def pushed_and_pulled(tmp_path: Path, *remote: tuple[str, ...]) -> None:
    """Samples that one checkout pushes are in another that pulls, byte for byte."""
    one, other = repository(tmp_path / "one"), tmp_path / "other"
    samples = one / "results" / "small" / "samples"
    samples.mkdir(parents=True)
    content = {name: os.urandom(200_000) for name in ("plain.zip", "max_div.zip")}
    for name, data in content.items():
        (samples / name).write_bytes(data)
    for words in remote:
        dvc(one, *words)
    dvc(one, "add", "--quiet", *(f"results/small/samples/{name}" for name in content))
    dvc(one, "push", "--quiet")
    subprocess.run(["git", "add", "--all"], cwd=one, check=True)
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *author, "commit", "--quiet", "-m", "samples"], cwd=one, check=True)
    subprocess.run(["git", "clone", "--quiet", str(one), str(other)], check=True)
    dvc(other, "pull", "--quiet")
    assert {name: (other / "results/small/samples" / name).read_bytes() for name in content} == content


def test_a_folder_on_a_shared_disk(tmp_path):
    pushed_and_pulled(tmp_path, ("remote", "add", "--default", "lab", str(tmp_path / "lab")))


def test_an_s3_compatible_store(tmp_path, store, monkeypatch):
    import boto3

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    boto3.client("s3", endpoint_url=store).create_bucket(Bucket="lab")
    pushed_and_pulled(
        tmp_path,
        ("remote", "add", "--default", "lab", "s3://lab/repulsion"),
        ("remote", "modify", "lab", "endpointurl", store),
    )
