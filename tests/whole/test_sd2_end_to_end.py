"""The sd2 profile from prompts to report on the CPU: networks of Stable Diffusion 2's classes and shape, small, with random
weights; InceptionV3 as it is, with random weights."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from end_to_end import ROOT, copy_pages, run_stages
from profile_values import PROFILES
from stand_ins import inception_weights, small_model

from analysis.study.settings import Study
from pipeline.encoders import encoders
from pipeline.encoders.weights_file import sha256_of
from pipeline.profile.profile import read_profile
from pipeline.profile.prompts import read_prompts
from pipeline.sampling.passes import passes
from pipeline.sets.feature_sets import read_features
from pipeline.sets.image_sets import read_images, read_manifest, read_run
from pipeline.stages import features, sample
from pipeline.stages import prompts as prepare
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.families.registry import family_of_folder
from repulsion.diffusion.model import load_pipeline
from repulsion.forces import style_classifier
from repulsion.sampling import progress
from repulsion.sampling.methods import PLAIN, load_methods
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

LEVELS = 3


def small(values: dict, dtype: str, methods: list[str]) -> dict:
    """The profile's parameters at a size for a test, on the CPU; prompts, encoder and parts as they are."""
    values = json.loads(json.dumps(values))
    artists = values["prompts"]["artists"][:12]
    values |= {"root": ".", "here": "", "device": "cpu", "model": "model", "methods_file": "methods.yaml"}
    values |= {"methods": methods, "image_sets": methods + values["references"]}
    values["prompts"] |= {"source": "prompts.csv", "only": ["vase"], "artists": artists}
    values["compute"] |= {"dtype": dtype, "gradient_batch": 2, "decode_batch": 3}
    values["sampling"] |= {"levels": LEVELS, "particles": 4, "sets_per_prompt": 3, "batch": 3}
    for p in values["reference_sets"].values():
        p["images_per_artist"] = 1
    values["style_classifier"] |= {"subjects": ["dog"], "train": 1, "held_out": 1, "width": 16, "features": 8}
    values["style_classifier"]["training"] |= {"steps": 3, "batch": 4}
    values["encoder"] |= {"weights": "inception.pth", "sha256": sha256_of(Path("inception.pth"))}
    return values


def ran(tmp_path_factory, prediction: str, dtype: str, methods: list[str]) -> Iterator[Study]:
    """Every stage, in a folder of its own."""
    folder = tmp_path_factory.mktemp("sd2") / "some" / "folders" / "down"
    folder.mkdir(parents=True)
    (folder / "bench").symlink_to(ROOT / "bench")
    copy_pages(folder)
    shutil.copy(ROOT / "profiles" / "sd2" / "prompts.csv", folder)
    rows = yaml.safe_load((ROOT / "profiles" / "sd2" / "methods.yaml").read_text())
    (folder / "methods.yaml").write_text(yaml.safe_dump(rows))
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    torch.save(inception_weights(), "inception.pth")
    small_model(Path("model"), prediction)
    values = small(yaml.safe_load(PROFILES["sd2"].read_text()), dtype, methods)
    Path("params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    profile = read_profile(Path("params.yaml"), Study)
    prepare.run(profile)
    run_stages(profile)
    yield profile
    patch.undo()


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Iterator[Study]:
    """The thesis's methods, and one through the denoiser, which none of them is."""
    methods = yaml.safe_load(PROFILES["sd2"].read_text())["methods"]
    yield from ran(tmp_path_factory, "epsilon", "bfloat16", [*methods, "style_and_place"])


def test_a_model_of_v_prediction_goes_all_the_way(tmp_path_factory):
    for profile in ran(tmp_path_factory, "v_prediction", "float32", ["plain", "style_classifier"]):
        assert (profile.report / "report.pdf").is_file() and (profile.report / "index.html").is_file()


def test_methods_get_all_artists_and_the_text_is_cut(profile):
    row = pd.read_csv(profile.prompts_file).iloc[0]
    artists = profile.prompts.artists
    assert row["method_prompt"] == f"{row['prompt']}, by {', '.join(artists)}"
    assert row["seen"].startswith("painting of a beautiful vase of flowers , by thomas kinkade")
    assert "bouguereau" not in row["seen"] and len(row["seen"]) < 0.7 * len(row["method_prompt"])
    methods, named = ({row.set for row in read_manifest(profile.samples(name))} for name in ("plain", "max_div"))
    assert methods == {"plain"} and named == {"max_div"}


def test_every_set_has_its_images_and_what_was_counted_is_what_was_predicted(profile):
    methods = load_methods(Path(profile.methods_file))
    p = profile.sampling
    sigmas = family_of_folder(Path(profile.model)).sigmas(p.schedule, p.levels, (None, None))
    for name in profile.image_sets:
        assert read_images(profile.samples(name)).shape == (12, 64, 64, 3)
        found, predicted = read_run(profile.samples(name)), passes(methods.get(name, PLAIN), p, 2, sigmas)
        assert found["denoiser_passes"] == 12 * predicted.forward, name
        assert found["denoiser_backward_passes"] == 12 * predicted.backward, name


def test_features_are_inception_s(profile):
    found = read_features(profile.features("plain"))
    shapes = {name: values.shape[1] for name, values in found.vectors.items()}
    assert shapes == {"general": 2048, "location": 1225, "style": 2080, "location_shape": 1225, "gram": 2080}
    assert found.encoder.startswith("inception ")


def test_the_report_is_there_and_leaves_out_what_no_readout_reads(profile):
    assert (profile.report / "report.pdf").stat().st_size > 50_000
    assert "effective artists" not in (profile.tables / "truth.csv").read_text()
    assert not list(profile.scratch.glob("shards/*/*/*/*")), "what unfinished sets kept is deleted"


class Killed:
    """A pipeline whose UNet dies at its n-th call."""

    def __init__(self, monkeypatch, at: int | None) -> None:
        self.calls, real = 0, torch.nn.Module.__call__

        def call(module, *args, **named):
            if type(module).__name__ == "UNet2DConditionModel":
                if self.calls == at:
                    raise KeyboardInterrupt
                self.calls += 1
            return real(module, *args, **named)

        monkeypatch.setattr(torch.nn.Module, "__call__", call)


@pytest.mark.parametrize("name", ["style_classifier", "style_and_place"])
@pytest.mark.parametrize("at", [1, 13, 25])
def test_a_kill_costs_one_noise_level(profile, tmp_path, monkeypatch, name, at):
    """Killed at some call of the UNet, where levels are slow: the next run makes the unfinished level again and what is
    missing, and ends with the same bytes."""
    monkeypatch.setattr(progress, "KEEP_FROM", 0.0)
    before = profile.samples(name).read_bytes()
    scratch = tmp_path / "scratch"
    monkeypatch.setattr(type(profile), "scratch", property(lambda self: scratch))
    monkeypatch.setattr(type(profile), "samples", lambda self, name: tmp_path / f"{name}.zip")
    with monkeypatch.context() as patch:
        undisturbed = Killed(patch, None)
        sample.run(profile, name)
    assert (tmp_path / f"{name}.zip").read_bytes() == before
    shutil.rmtree(scratch)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        Killed(patch, at)
        sample.run(profile, name)
    with monkeypatch.context() as patch:
        rest = Killed(patch, None)
        sample.run(profile, name)
    sets = len(read_prompts(profile.prompts_file)) * profile.sampling.sets_per_prompt
    level = undisturbed.calls / (sets * LEVELS)
    assert 0 <= at + rest.calls - undisturbed.calls <= 2 * level  # levels through the denoiser make more calls
    assert (tmp_path / f"{name}.zip").read_bytes() == before


def test_features_that_were_killed_go_on(profile, tmp_path, monkeypatch):
    before = read_features(profile.features("plain")).vectors["general"]
    encoder, calls = encoders.ENCODERS["inception"], []
    monkeypatch.setattr(type(profile), "features", lambda self, name: tmp_path / f"{name}.npz")
    profile = dataclasses.replace(profile, encoder=dataclasses.replace(profile.encoder, batch=5))

    def dying(weights, device, at=1):
        def encode(images):
            if len(calls) == at:
                raise KeyboardInterrupt
            calls.append(len(images))
            return encoder(weights, device).encode(images)

        return dataclasses.replace(encoder(weights, device), encode=encode)

    monkeypatch.setitem(encoders.ENCODERS, "inception", dying)
    with pytest.raises(KeyboardInterrupt):
        features.run(profile, "plain")
    monkeypatch.setitem(encoders.ENCODERS, "inception", lambda *args: dying(*args, at=99))
    features.run(profile, "plain")
    assert calls == [5, 5, 2]
    after = read_features(tmp_path / "plain.npz").vectors["general"]
    assert torch.allclose(torch.tensor(after), torch.tensor(before), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name", ["plain", "style_classifier_thirds", "style_and_place"])
def test_images_do_not_depend_on_the_size_of_micro_batches(profile, tmp_path, prediction, name):
    """In float32: at most one step of 255 between slices of 3 and one of 64, but for a pixel in a thousand: a backward
    pass through random weights magnifies other rounding there."""
    small_model(tmp_path / "model", prediction)
    pipe = load_pipeline(tmp_path / "model", "cpu")
    method = load_methods(Path(profile.methods_file))[name]
    network = style_classifier.load(Path(profile.style_classifier.folder))

    def images(batch: int) -> torch.Tensor:
        request = SetRequest("a vase", 0, "vase", "linspace", LEVELS, 8.0, batch, max(1, batch // 2), batch, "test")
        return to_images(pipe, sample_particles(pipe, method, request, list(range(5)), network).x0, batch)

    moved = (images(3).int() - images(64).int()).abs()
    assert (moved > 1).float().mean() < 1e-3 and moved.max() <= 8
