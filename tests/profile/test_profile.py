"""The profiles: copies of one pipeline, and parameters that are refused before anything runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from profile_values import PROFILES, ROOT, VALUES

from analysis.study.settings import Study
from pipeline.profile import stage
from pipeline.profile.command_line import arguments
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput
from repulsion.core.settings import strict


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_read_and_knows_where_it_stands(name):
    profile = read_profile(PROFILES[name], Study)
    assert profile.profile == name
    assert (ROOT / profile.here / "params.yaml") == PROFILES[name]
    assert (PROFILES[name].parent / profile.root).resolve() == ROOT


def test_the_mini_profile_is_the_same_experiment_in_small():
    """The same model, prompts, artists and spaces; a few hundred images, and no method of the thesis left out."""
    sd2, mini = (yaml.safe_load(PROFILES[name].read_text()) for name in ("sd2", "sd2_mini"))
    for key in ("device", "model", "source", "compute", "methods_file", "prompts", "encoder", "references", "analysis"):
        assert sd2[key] == mini[key], key
    assert set(sd2["methods"]) < set(mini["methods"])
    assert mini["sampling"]["particles"] * mini["sampling"]["sets_per_prompt"] == 300


def test_the_sd2_profile_has_the_thesis_s_sizes():
    p = read_profile(PROFILES["sd2"])
    assert p.sampling.particles * p.sampling.sets_per_prompt == 10_000 and len(p.prompts.artists) == 50
    assert all(r.images_per_artist * 50 == 10_000 for r in p.reference_sets.values())


def bad(*path: str, value: object) -> dict:
    """The small profile's values with one of them changed."""
    values = yaml.safe_load(PROFILES["small"].read_text())
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return values


@pytest.mark.parametrize(
    "path,value,message",
    [
        (("colour",), 1, "unknown key 'colour'; expected profile, root"),
        (("sampling", "steps"), 1, "sampling: unknown key 'steps'; expected schedule, levels"),
        (("sampling", "particles"), 0, "sampling: particles: expected at least 1, got 0"),
        (("sampling", "particles"), "32", "sampling: particles: expected int, got '32'"),
        (("sampling", "particles"), True, "sampling: particles: expected int, got True"),
        (("sampling", "levels"), 1, "sampling: levels: expected at least 2, got 1"),
        (("sampling", "sets_per_prompt"), 0, "sampling: sets_per_prompt: expected at least 1"),
        (("sampling", "guidance_scale"), 0.5, "guidance_scale: expected at least 1"),
        (("device",), "tpu", "device: expected one of cpu, cuda, got 'tpu'"),
        (("methods",), [], "methods: expected a list of at least 1"),
        (("prompts", "only"), [], "only: expected a list of at least 1"),
        (("prompts", "only"), ["vase", "vase"], "only: 'vase' is listed twice"),
        (("prompts", "split"), "train", "split: expected one of test, development, all"),
        (("profile",), "../elsewhere", "profile: expected letters, digits"),
        (("image_sets",), ["plain", "max_div"], "image_sets: expected methods, then references"),
        (("image_sets",), ["../x"], "image_sets: expected letters, digits"),
        (("analysis", "floor"), "max_div3", "floor: unknown set 'max_div3'; expected one of max_div, max_div2, truth"),
        (("analysis", "floor"), "max_div", "floor: expected another set than the reference, got 'max_div' for both"),
        (("analysis", "baseline"), "truth", "baseline: unknown set 'truth'; expected one of plain, ancestral"),
        (("reference_sets",), {}, "reference_sets: expected a mapping of at least 1"),
        (("reference_sets", "max_div", "images_per_artist"), 0, "images_per_artist: expected at least 1"),
        (("encoder", "batch"), 0, "encoder: batch: expected at least 1"),
        (("compute", "dtype"), "float8", "compute: dtype: expected one of float32, float16, bfloat16, got 'float8'"),
        (("compute", "decode_batch"), 0, "compute: decode_batch: expected at least 1, got 0"),
        (("compute", "channels_last"), "yes", "compute: channels_last: expected bool, got 'yes'"),
        (("source",), {"repository": "a/b"}, "source: missing key 'revision'"),
        (("style_classifier", "renoised"), 2.0, "renoised: expected at most 1, got 2.0"),
        (("analysis", "check", "frechet"), {"share": 0.1}, "check: frechet: unknown key 'share'; expected relative"),
        (
            ("analysis", "check", "frechet"),
            {"relative": -0.1},
            "check: frechet: relative: expected at least 0, got -0.1",
        ),
        (("analysis", "margins", "precision"), float("nan"), "margins: precision: expected a finite number, got nan"),
        (("analysis", "margins", "precision"), 0.0, "margins: precision: expected a number that is not 0"),
        (("sampling", "guidance_scale"), float("nan"), "sampling: guidance_scale: expected a finite number, got nan"),
        (("sampling", "guidance_scale"), float("inf"), "sampling: guidance_scale: expected a finite number, got inf"),
        (("sampling", "seed"), -1, "sampling: seed: expected at least 0, got -1"),
        (("sampling", "seed"), 2**64, "sampling: seed: expected less than"),
        (("sampling", "particles"), 10**6, "sampling: sets of particles: expected from 2 to 1000000 images"),
        (("sampling", "schedule"), "", "sampling: schedule: expected a text that is not empty"),
        (("style_classifier", "training", "peak_lr"), -1.0, "training: peak_lr: expected more than 0, got -1.0"),
        (
            ("style_classifier", "training", "peak_lr"),
            float("nan"),
            "training: peak_lr: expected a finite number, got nan",
        ),
        (("style_classifier", "training", "weight_decay"), -0.1, "training: weight_decay: expected at least 0"),
        (
            ("style_classifier", "subjects"),
            ["cat", "Cat"],
            "subjects: 'cat' and 'Cat' differ in upper and lower case only",
        ),
        (
            ("reference_sets", "max_div2", "seed"),
            0,
            "reference_sets: max_div2: seed: expected another one than that of max_div",
        ),
        (
            ("reference_sets", "max_div2", "seed"),
            1000,
            "max_div2: seed: expected another one than that of sampling, got 1000",
        ),
        (("encoder", "sha256"), "nonsense", "encoder: sha256: expected a text like"),
        (("methods",), ["plain", "Plain"], "sets: expected methods, then references"),
        (("profile",), "-x", "profile: expected letters, digits"),
        (("profile",), "con", "profile: 'con' is the name of a device on Windows"),
        (("profile",), "world", "profile: results/world holds other results; expected another name"),
    ],
)
def test_bad_parameters_are_one_line_that_says_what_was_expected(path, value, message):
    with pytest.raises(BadInput, match=message) as raised:
        strict(Study, bad(*path, value=value), "params.yaml")
    assert "\n" not in str(raised.value) and str(raised.value).startswith("params.yaml: ")


def test_what_is_compiled_is_not_moved_about():
    both = bad("compute", value=VALUES["compute"] | {"compile": True, "offload": True})
    with pytest.raises(BadInput, match="compute: compile and offload: expected one of them at most"):
        strict(Study, both, "params.yaml")


def test_a_missing_key():
    values = yaml.safe_load(PROFILES["small"].read_text())
    del values["sampling"]["seed"]
    with pytest.raises(BadInput, match="sampling: missing key 'seed'; got schedule"):
        strict(Study, values, "params.yaml")


def test_a_copy_of_another_profile_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy = Path("profiles/mine/params.yaml")
    copy.parent.mkdir(parents=True)
    copy.write_text(PROFILES["ci"].read_text(), encoding="utf-8")
    with pytest.raises(BadInput, match="here: expected 'profiles/mine/', got 'profiles/ci/'"):
        read_profile(copy)
    copy.write_text(
        copy.read_text(encoding="utf-8").replace("here: profiles/ci/", "here: profiles/mine/"), encoding="utf-8"
    )
    with pytest.raises(BadInput, match="profile: expected 'mine', got 'ci'"):
        read_profile(copy)
    copy.write_text(copy.read_text(encoding="utf-8").replace("root: ../..", "root: .."), encoding="utf-8")
    with pytest.raises(BadInput, match="root: expected './', got '..'"):
        read_profile(copy)


def test_names_that_differ_in_case_only_are_one_file():
    values = bad("methods", value=["plain", "Plain"]) | {"image_sets": ["plain", "Plain", *VALUES["references"]]}
    with pytest.raises(BadInput, match="sets: 'plain' and 'Plain' differ in upper and lower case only"):
        strict(Study, values, "params.yaml")


def test_a_render_s_seed_is_no_sample_s():
    """Renders draw scenes and not noise: they may share a seed with what is sampled, and not with each other."""
    values = bad("reference_sets", "truth", "seed", value=1000)
    assert strict(Study, values, "params.yaml").reference_sets["truth"].seed == 1000
    values["reference_sets"]["max_div2"] = values["reference_sets"]["truth"] | {"images_per_artist": 6}
    with pytest.raises(BadInput, match="reference_sets: truth: seed: expected another one than that of max_div2"):
        strict(Study, values, "params.yaml")


def test_numbers_that_no_machine_has():
    for key, value, message in (
        ("levels", 10**30, "levels: expected at most 1000, got 1000"),
        ("batch", 10**30, "batch: expected less than"),
        ("particles", 2**40, "particles: expected less than"),
    ):
        with pytest.raises(BadInput, match=f"sampling: {message}"):
            strict(Study, bad("sampling", key, value=value), "params.yaml")


def test_an_unknown_reference():
    values = bad("references", value=["max_div", "max_div3"]) | {
        "image_sets": [*VALUES["methods"], "max_div", "max_div3"]
    }
    with pytest.raises(BadInput, match="references: unknown 'max_div3'; expected some of max_div, max_div2, truth"):
        strict(Study, values, "params.yaml")


def test_entry_points_say_what_they_expect(monkeypatch):
    for given in ([], ["params.yaml", "a", "b"], ["params.yaml", "--fast"]):
        monkeypatch.setattr(stage.sys, "argv", ["module", *given])
        with pytest.raises(
            SystemExit, match=rf"error: expected params.yaml \[METHOD\], got {' '.join(given) or 'nothing'}"
        ):
            stage.main(lambda profile, name: None, "METHOD")


@pytest.mark.parametrize(
    "module,shown",
    [
        (
            "pipeline.stages.sample",
            "usage: python -m pipeline.stages.sample params.yaml [METHOD]\n\nSTAGE sample: one method's",
        ),
        ("analysis.stages.tables", "usage: python -m analysis.stages.tables params.yaml\n\nSTAGE tables"),
        ("analysis.artifact.check", "usage: python -m analysis.artifact.check params.yaml [--accept]"),
    ],
)
def test_every_entry_point_has_help(module, shown):
    found = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout.startswith(shown) and not found.stderr


def test_a_flag_is_not_abbreviated(monkeypatch):
    for given, flag in ((["params.yaml"], []), (["params.yaml", "--accept"], ["--accept"])):
        monkeypatch.setattr(stage.sys, "argv", ["check", *given])
        assert arguments(["params.yaml"], flag="--accept") == ["params.yaml", *flag]
    monkeypatch.setattr(stage.sys, "argv", ["check", "params.yaml", "--acc"])
    with pytest.raises(BadInput, match=r"expected params.yaml \[--accept\], got params.yaml --acc"):
        arguments(["params.yaml"], flag="--accept")


def test_a_stage_in_another_locale(tmp_path):
    """Where neither the terminal nor files are in UTF-8 by default."""
    text = PROFILES["small"].read_text(encoding="utf-8").replace("device: cpu", "device: línea")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    env = os.environ | {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "analysis.stages.prompts", "params.yaml"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=env)
    assert found.returncode == 1 and "device: expected one of cpu, cuda, got 'l\\xednea'" in found.stderr


def test_a_gpu_profile_stops_at_once_without_one(monkeypatch):
    import torch

    from pipeline.stages import prompts as prepare

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(BadInput, match="device: cuda, but torch finds no CUDA device here"):
        prepare.run(read_profile(PROFILES["sd2"]))
