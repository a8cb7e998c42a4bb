"""The checks before the stages, and the report on them: what is missing, what a run would take."""

import dataclasses
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml
from families import stable_diffusion_3
from profile_values import PROFILES, ROOT
from stand_ins import small_model

from pipeline.machine import preflight, requirements
from pipeline.machine.requirements import disk_needed, images_of, memory_needed
from pipeline.profile.profile import Profile, read_profile
from pipeline.sampling import workers
from repulsion.core.errors import BadInput
from repulsion.diffusion.levels import linspace_levels

needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Profile:
    """Stable Diffusion 2's shape, small, on the CPU; its encoder's file is anything of the right sha256."""
    monkeypatch.chdir(tmp_path)
    small_model(Path("model"), "epsilon")
    Path("weights").write_bytes(b"abc")
    shutil.copytree(ROOT / "profiles", "profiles")
    for name in ("sweep", "validation"):
        shutil.copytree(ROOT / "results" / name, Path("results") / name)
    whole = read_profile(PROFILES["sd2"])
    encoder = dataclasses.replace(whole.encoder, weights="weights", sha256="ba7816bf8f01cfea")
    sampling = dataclasses.replace(whole.sampling, particles=2, sets_per_prompt=25, batch=4)
    references = {name: dataclasses.replace(p, images_per_artist=1) for name, p in whole.reference_sets.items()}
    compute = dataclasses.replace(whole.compute, dtype="float32")  # float16 matrix products are slow on a CPU
    changes = {"model": "model", "device": "cpu", "compute": compute, "encoder": encoder, "sampling": sampling}
    return dataclasses.replace(whole, reference_sets=references, **changes)


def test_nothing_is_missing(profile):
    requirements.run(profile)
    text, missing = preflight.report(profile)
    assert not missing and text.endswith("Nothing is missing.") and "plain images a second" in text
    for name in (*requirements.CHECKS, *profile.image_sets):
        assert f"  {name} " in text


@pytest.mark.parametrize(
    "spoil,message",
    [
        (
            lambda p: dataclasses.replace(p, model="nowhere"),
            "model nowhere: no model_index.json.*make fetch PROFILE=sd2",
        ),
        (lambda p: Path("weights").write_bytes(b"other"), "encoder inception: weights has sha256 .*expected ba7816bf"),
        (
            lambda p: Path("results/sweep/chosen.csv").unlink(),
            "results: analysis.sweep of profiles/sd2/params.yaml: no results/sweep/chosen.csv; make sweep makes it",
        ),
        (lambda p: Path("weights").unlink(), "encoder inception: nothing at weights; make fetch PROFILE=sd2"),
        (
            lambda p: dataclasses.replace(p, sampling=dataclasses.replace(p.sampling, batch=10**9)),
            r"memory: about .* GiB needed, .* GiB on the cpu; lower sampling.batch \(1000000000\), compute.grad",
        ),
        (
            lambda p: dataclasses.replace(p, sampling=dataclasses.replace(p.sampling, sets_per_prompt=500_000)),
            "disk: about .* GiB needed for .* images, .* GiB free",
        ),
    ],
)
def test_what_is_missing_stops_make_reproduce_and_is_named_in_the_report(profile, spoil, message):
    spoiled = spoil(profile)
    profile = spoiled if isinstance(spoiled, Profile) else profile
    with pytest.raises(BadInput, match=message):
        requirements.run(profile)
    text, missing = preflight.report(profile)
    assert len(missing) == 1 and text.splitlines()[-1].startswith("First: ") and "MISSING" in text


@needs_no_gpu
def test_without_a_gpu_the_report_says_what_one_would_need(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["preflight", "--profile", "sd2"])
    with pytest.raises(SystemExit) as ended:
        preflight.main()
    text = capsys.readouterr().out
    assert ended.value.code == 1 and "First: device: cuda, but torch finds no CUDA device here" in text
    assert "660000 images" in text and "A latent through the denoiser is 0.8043 TFLOP" in text
    assert "GiB needed, and there is no cuda device" in text


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("content", ["[]", "{}", "{"])
def test_no_sizes_are_computed_from_a_configuration_that_says_nothing(profile, part, content):
    (Path("model") / part / "config.json").write_text(content, encoding="utf-8")
    text, missing = preflight.report(profile)
    assert len(missing) == 1 and text.splitlines()[-1] == f"First: {missing[0]}"


@pytest.mark.parametrize("size,pixels", [([8, 16], (64, 128)), (8, (64, 64))])
def test_sizes_of_two_numbers(profile, size, pixels):
    path = Path("model") / "unet" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"sample_size": size}), encoding="utf-8")
    assert requirements.pixels(profile) == pixels[0] * pixels[1]
    text, missing = preflight.report(profile)
    assert not missing and "plain images a second" in text


def test_a_model_that_is_half_downloaded_is_missing_and_reckoned_with_all_the_same(profile):
    (Path("model") / "unet" / "config.json").unlink()
    text, missing = preflight.report(profile)
    assert (
        len(missing) == 1
        and "part 'unet' lacks config.json" in text
        and "A latent through the denoiser is 0.8043" in text
    )
    whole = Path("model") / "vae" / "diffusion_pytorch_model.safetensors"
    whole.write_bytes(whole.read_bytes()[:100])
    with pytest.raises(BadInput, match="not a whole safetensors file"):
        memory_needed(profile)


def test_a_stable_diffusion_3_is_reckoned_with_too(profile):
    torch.manual_seed(0)
    stable_diffusion_3().save_pretrained("flow")
    profile = dataclasses.replace(profile, model="flow")
    text, missing = preflight.report(profile)
    assert not missing and "plain images a second" in text and memory_needed(profile) > 0
    for part, name in (("text_encoder_3", "model.safetensors"), ("transformer", "config.json")):
        (Path("flow") / part / name).unlink()
        text, missing = preflight.report(profile)
        assert len(missing) == 1 and text.splitlines()[-1] == f"First: {missing[0]}"
        assert f"part '{part}' lacks {name}" in missing[0]


def test_what_is_made_already_needs_no_more_room(profile):
    before = requirements.disk(profile)
    shard = profile.scratch / "shards" / "plain" / "x.zip"
    shard.parent.mkdir(parents=True)
    with shard.open("wb") as file:
        file.truncate(2**30)
    profile.features("plain").parent.mkdir(parents=True)
    assert float(requirements.disk(profile).split()[1]) == max(0.0, float(before.split()[1]) - 1)
    profile.features("plain").touch()
    images = 11 * 6 * 50
    assert before.split()[5] == str(images) and requirements.disk(profile).split()[5] == str(images - 6 * 50)


def test_an_unknown_profile(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(
        BadInput,
        match="no profile 'xl'; expected one of small, ci, drawn, drawn_sweep, flow, flow_sweep, peers, peers_sweep, "
        "sd2, sd2_mini, sweep",
    ):
        preflight.profile_path("xl")
    assert preflight.profile_path("small") == Path("params.yaml")


def test_sizes_follow_the_parameters(monkeypatch):
    monkeypatch.chdir(ROOT)
    sd2 = read_profile(PROFILES["sd2"])
    assert set(images_of(sd2).values()) == {60_000}
    assert disk_needed(sd2, 2000) - disk_needed(sd2, 1000) == pytest.approx(
        disk_needed(sd2, 3000) - disk_needed(sd2, 2000)
    )
    wide = dataclasses.replace(sd2, sampling=dataclasses.replace(sd2.sampling, batch=200))
    full = dataclasses.replace(sd2, compute=dataclasses.replace(sd2.compute, dtype="float32"))
    assert memory_needed(sd2) < memory_needed(wide) and memory_needed(sd2) < memory_needed(full) < 2 * memory_needed(
        sd2
    )
    moved = dataclasses.replace(sd2, compute=dataclasses.replace(sd2.compute, offload=True))
    assert memory_needed(sd2) - memory_needed(moved) == pytest.approx(2 * 83_653_863 / 2**30)  # the VAE waits outside
    mini = read_profile(PROFILES["sd2_mini"])  # which has methods through the denoiser
    for profile, grows in ((sd2, False), (mini, True)):
        back = dataclasses.replace(profile, compute=dataclasses.replace(profile.compute, gradient_batch=40))
        assert (memory_needed(back) > memory_needed(profile)) == grows
    small = read_profile(PROFILES["small"])
    assert images_of(small)["plain"] == 6 * 120 and images_of(small)["max_div"] == 6 * 160


def test_sets_made_at_once_share_the_weights(profile, monkeypatch):
    def needed(cores: int) -> float:
        monkeypatch.setattr(workers, "cores", lambda: cores)
        monkeypatch.setenv(workers.VARIABLE, str(cores))
        return memory_needed(profile)

    one, two, three = map(needed, (1, 2, 3))
    assert three - two == pytest.approx(two - one) and two - one < one
    assert needed(10**6) == pytest.approx(one + (6 * 25 - 1) * (two - one))  # 6 prompts of 25 sets
    monkeypatch.setattr(requirements, "memory_there", lambda profile: 0.0)
    with pytest.raises(BadInput, match=r"by 150 sets at once, .*, or set REPULSION_WORKERS=1 in the environment"):
        requirements.memory(profile)


def test_costs_add_up(profile):
    """Sets of as many images by as many passes cost the same; rendered references cost nothing."""
    values = yaml.safe_load(PROFILES["small"].read_text())
    assert values["reference_sets"]["truth"]["kind"] == "rendered"
    small = dataclasses.replace(
        read_profile(PROFILES["small"]), model="model", methods_file=str(ROOT / "repulsion/data/methods.yaml")
    )
    small = dataclasses.replace(small, prompts=dataclasses.replace(small.prompts, source=str(ROOT / "prompts.csv")))
    one = preflight.Arithmetic(2.0, 5.0)
    sigmas = linspace_levels(torch.linspace(0.03, 14.6, 1000, dtype=torch.float64), small.sampling.levels)
    found = preflight.costs(small, one, sigmas)
    assert found["truth"].pflop == 0 and found["plain"] == found["style_classifier"]
    assert found["plain"].pflop == pytest.approx(720 * (40 * 2.0 + 5.0) / 1000)
    assert found["centre_of_mass"].passes == 40 + 40
