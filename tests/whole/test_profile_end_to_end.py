"""A whole profile at toy size in one process: prompts to report, on the shipped model."""

import csv
import html.parser
import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from end_to_end import ROOT, copy_pages, run_stages
from profile_values import VALUES
from safetensors.torch import load_file, save_file

from analysis.artifact import check
from analysis.figures.images import pairs
from analysis.figures.results import dials, front
from analysis.figures.sampling import classifier_accuracy, forces, story
from analysis.paper import printing
from analysis.stages import distances, report, tables
from analysis.stages import figures as draw
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from pipeline.sampling import workers
from pipeline.sets.failures import read_failures, sets_made
from pipeline.sets.feature_sets import FeatureSet, read_features, write_features
from pipeline.sets.image_sets import ParticleSet, pack, read_forces, read_images, read_manifest, read_run, write_part
from pipeline.stages import features, reference, sample
from pipeline.stages import prompts as prepare
from repulsion.core.errors import BadInput
from repulsion.core.settings import strict
from repulsion.sampling.methods import load_methods

METHODS = ("plain", "channel_average", "style_classifier")
PROMPTS = """prompt_id,prompt,split
vase,a painting of a vase,test
odd,"a <b>""kite""</b> & </script><script>alert(1)</script> ../../etc",test
later,a painting of a cat,development
"""


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Study:
    folder = tmp_path_factory.mktemp("profile") / "some" / "folders" / "down"
    folder.mkdir(parents=True)
    for name in ("models", "bench"):
        (folder / name).symlink_to(ROOT / name)
    copy_pages(folder)
    rows = yaml.safe_load((ROOT / "repulsion/data/methods.yaml").read_text())
    (folder / "methods.yaml").write_text(yaml.safe_dump({name: rows[name] for name in METHODS}))
    (folder / "prompts.csv").write_text(PROMPTS)
    values = json.loads(json.dumps(VALUES))
    values |= {
        "methods_file": "methods.yaml",
        "methods": list(METHODS),
        "image_sets": [*METHODS, *values["references"]],
    }
    values["prompts"] |= {"artists": ["ambrel", "boskin"]}
    values["sampling"] |= {"levels": 3, "particles": 4, "sets_per_prompt": 3, "batch": 16}
    for p in values["reference_sets"].values():
        p["images_per_artist"] = 6
    # rendered truth needs prompts of the painted world; the model drawn again stands in for it here
    values["reference_sets"]["truth"] |= {"kind": "named"}
    values["style_classifier"] |= {
        "folder": "results/small/classifier",
        "subjects": ["vase"],
        "train": 2,
        "held_out": 1,
    }
    values["style_classifier"] |= {"width": 8, "features": 8}
    values["style_classifier"]["training"] |= {"steps": 3, "batch": 4}
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    profile = read_profile(Path("params.yaml"), Study)
    with pytest.raises(BadInput, match=r"the model does not know '<b>\"kite\"</b>'; it knows a, ambrel"):
        prepare.run(profile)
    assert not profile.prompts_file.exists()
    with patch.context() as inner:  # what is hostile in the odd prompt is tried anyway
        inner.setattr(prepare, "require_readable", lambda *args: None)
        prepare.run(profile)
    run_stages(profile)
    yield profile
    patch.undo()


def test_every_set_has_its_images_and_a_manifest(profile):
    for name in profile.image_sets:
        manifest = read_manifest(profile.samples(name))
        assert [row.prompt_id for row in manifest] == ["vase"] * 12 + ["odd"] * 12
        assert [row.index for row in manifest] == list(range(12)) * 2 and {row.set for row in manifest} == {name}
        assert read_images(profile.samples(name)).shape == (24, 64, 64, 3)
    # 2 prompts x 12 images x 3 levels, with and without the prompt
    assert read_run(profile.samples("plain")) == {
        "images": 24,
        "denoiser_passes": 144,
        "denoiser_backward_passes": 0,
    }


def test_methods_are_paired_and_references_are_not(profile):
    seeds = {name: [row.seed for row in read_manifest(profile.samples(name))] for name in profile.image_sets}
    assert seeds["plain"] == seeds["channel_average"] == seeds["style_classifier"]
    assert len(set(seeds["plain"])) == 24
    assert not set(seeds["plain"]) & set(seeds["max_div"]) and not set(seeds["max_div"]) & set(seeds["max_div2"])


def test_forces_are_recorded_for_every_set_and_level(profile):
    assert len(read_forces(profile.samples("plain"))) == 0
    forces = read_forces(profile.samples("channel_average"))
    assert len(forces) == 2 * 3 * 3 and all(row.repulsion_norm > 0 for row in forces)  # prompts, sets, levels
    assert [row.first_index for row in forces][::3] == [0, 4, 8] * 2


def test_features_follow_the_manifest(profile):
    manifest, found = read_manifest(profile.samples("plain")), read_features(profile.features("plain"))
    assert found.prompt_id.tolist() == [row.prompt_id for row in manifest]
    assert found.encoder.startswith("painted_world ")
    shapes = {name: v.shape for name, v in found.vectors.items()}
    expected = {
        "general": 64,
        "location": 64,
        "style": 136,
        "location_shape": 64,
        "gram": 136,
        "subject": 12,
        "artist": 20,
        "place": 2,
        "render_error": 1,
    }
    assert shapes == {name: (24, d) for name, d in expected.items()}


def test_results_hold_every_metric(profile):
    rows = json.loads(profile.distances_file("plain").read_text())["rows"]
    rows_of_vase = [r for r in rows if r["prompt_id"] == "vase"]
    kinds = {(r["metric"], r["space"], r["against"]) for r in rows_of_vase}
    assert all(len(r["left_out"]) == 3 and r["n"] == 12 and not r["reason"] for r in rows_of_vase)
    # 8 distances in 5 spaces to the reference and in one to the realism set, 3 similarities in 5 spaces, 6 readings
    assert len(kinds) == len(rows_of_vase) == 8 * 6 + 3 * 5 + 6 and ("subject_accuracy", "", "") in kinds
    # a prompt without a subject of the painted world has no subject accuracy, and nothing stands in for it
    assert "subject_accuracy" not in {r["metric"] for r in rows if r["prompt_id"] == "odd"}
    assert all(np.isfinite(r["value"]) for r in rows)


def test_tables_and_summary(profile):
    with (profile.tables / "frechet_by_prompt.csv").open() as file:
        rows = list(csv.DictReader(file))
    numbers = {f"{name}{part}" for name in ("vase", "odd", "mean") for part in ("", " low", " high")}
    assert len(rows) == 5 * 5 and set(rows[0]) == {"space", "set", *numbers}  # the reference has no row
    for row in rows:
        assert all(float(row[f"{q} low"]) <= float(row[q]) <= float(row[f"{q} high"]) for q in ("vase", "odd", "mean"))
        assert float(row["mean"]) == pytest.approx((float(row["vase"]) + float(row["odd"])) / 2, rel=1e-6)
    summary = json.loads(profile.summary.read_text())
    shares = [summary[name].get("gap_closed.general") for name in ("plain", "max_div2")]
    assert shares in ([0, 1], [None, None])  # at this size plain sampling may be no farther than the floor
    with (profile.tables / "truth.csv").open() as file:
        plain = next(csv.DictReader(file))
    low, value, high = (float(plain[f"effective_artists{part}"]) for part in (" low", "", " high"))
    assert low <= value <= high and value == pytest.approx(summary["plain"]["effective_artists"], rel=1e-5)
    shown = (profile.tables / "truth.shown.csv").read_text()
    assert f"{printing.three_digits(value)} [{printing.three_digits(low)}, {printing.three_digits(high)}]" in shown
    for name in tables.TABLES:
        assert "\\toprule" in (profile.tables / f"{name}.tex").read_text()
        assert "<table" in (profile.tables / f"{name}.html").read_text()


def test_three_digits():
    cases = {
        0.00129: "0.0013",
        1234.5: "1234",
        -0.5: "-0.500",
        12.34: "12.3",
        0.0: "0",
        float("nan"): "-",
        1.0: "1.00",
    }
    for value, text in cases.items():
        assert printing.three_digits(value) == text


def test_figures_are_there_and_byte_stable(profile):
    names = {p.name for p in profile.figures.iterdir()}
    drawn = {"distance_bars", "pairs", "pairwise_distances", "forces", "story", "classifier_accuracy", "artist_shares"}
    drawn |= {
        "places",
        "contact_sheet_vase",
        "contact_sheet_odd",
        "front",
        "first_images",
        "dials",
        "dial_curves",
        "small_n",
    }
    assert names == {f"{name}{suffix}" for name in drawn for suffix in (".png", ".pdf")}
    before = {p.name: p.read_bytes() for p in profile.figures.iterdir()}
    draw.run(profile)
    assert {p.name: p.read_bytes() for p in profile.figures.iterdir()} == before


def test_the_report_is_byte_stable_and_the_page_needs_nothing_else(profile):
    before = {p.name: p.read_bytes() for p in profile.report.iterdir()}
    assert set(before) == {"report.pdf", "index.html"} and before["report.pdf"].startswith(b"%PDF")
    report.run(profile)
    assert {p.name: p.read_bytes() for p in profile.report.iterdir()} == before
    page = before["index.html"].decode()
    links = re.findall(r'<[a-z]+[^>]*?\s(?:src|href)="([^"]+)"', page)
    assert links and all(link.startswith(("data:", "#")) for link in links)
    assert {link for link in links if link.startswith("#")} <= {
        f"#{name}" for name in re.findall(r' id="([^"]+)"', page)
    }
    assert not re.search(r"https?:", re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "", page))
    assert len(before["index.html"]) < 8_000_000


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found: list[str] = []
        self.script: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)

    def handle_data(self, data):
        if self.found and self.found[-1] == "script":
            self.script.append(data)


def test_prompts_are_escaped_in_the_page(profile):
    page = (profile.report / "index.html").read_text()
    assert "alert(1)</script>" not in page and "<b>" not in page
    tags = Tags()
    tags.feed(page)
    assert tags.found.count("script") == 2
    data = json.loads(next(text for text in tags.script if text.lstrip().startswith("{")))
    assert set(data["numbers"]) == {"vase", "odd"} and set(data["numbers"]["odd"]) == set(profile.image_sets)
    assert "distance, general" in data["numbers"]["vase"]["plain"]
    sheets = {f"sheet-{prompt_id}-{name}" for prompt_id in ("vase", "odd") for name in profile.image_sets}
    assert sheets <= set(re.findall(r' id="([^"]+)"', page))


def test_no_prompt_forms_a_path(profile):
    names = [p.name for p in Path("../../..").rglob("*") if "models" not in p.parts]
    assert len(names) > 100 and not [name for name in names if "etc" in name or "<" in name or "kite" in name]


def test_a_second_run_gives_the_same_bytes_and_samples_nothing(profile, monkeypatch):
    before = {name: profile.samples(name).read_bytes() for name in profile.image_sets}
    monkeypatch.setattr(sample, "pipeline_of", lambda *args: pytest.fail("sampled again"))
    monkeypatch.setattr(reference, "pipeline_of", lambda *args: pytest.fail("sampled again"))
    for name in profile.methods:
        sample.run(profile, name)
    for name in profile.references:
        reference.run(profile, name)
    assert {name: profile.samples(name).read_bytes() for name in profile.image_sets} == before


def test_images_of_another_size_in_a_later_batch(profile, tmp_path, monkeypatch):
    manifest, images = read_manifest(profile.samples("plain")), read_images(profile.samples("plain"))
    parts = []
    for k, prompt_id in enumerate(dict.fromkeys(row.prompt_id for row in manifest)):
        rows = [row for row in manifest if row.prompt_id == prompt_id]
        pixels = images[[row.prompt_id == prompt_id for row in manifest]][:, :: k + 1, :: k + 1]
        made = ParticleSet(prompt_id, [row.index for row in rows], [int(row.seed) for row in rows], pixels, [], 0)
        write_part(tmp_path / f"{k}.zip", "plain", made)
        parts.append(tmp_path / f"{k}.zip")
    pack(tmp_path / "plain.zip", parts)
    monkeypatch.setattr(type(profile), "samples", lambda self, name: tmp_path / f"{name}.zip")
    monkeypatch.setattr(type(profile), "scratch", property(lambda self: tmp_path / "scratch"))
    batches = replace(profile, encoder=replace(profile.encoder, batch=len(images) // 2))
    with pytest.raises(BadInput, match="images of different sizes"):
        features.run(batches, "plain")


def test_sets_side_by_side_are_the_same_bytes(profile, monkeypatch):
    """In one process, in two, and one set alone where the others are there already: by one thread each."""

    def made(name: str, cores: int, again: list[Path]) -> bytes:
        monkeypatch.setattr(workers, "cores", lambda: cores)
        monkeypatch.setenv(workers.VARIABLE, str(cores))
        for path in (*again, profile.samples(name)):
            path.unlink()
        sample.run(profile, name)
        return profile.samples(name).read_bytes()

    for name in ("channel_average", "style_classifier"):
        shards = sorted((profile.scratch / "shards" / name).glob("*/*.zip"))
        before = {path: path.read_bytes() for path in (*shards, profile.samples(name))}
        one = made(name, 1, shards)
        assert len(shards) == 6 and made(name, 2, shards) == one and made(name, 2, shards[5:]) == one
        for path, content in before.items():  # made by more threads: other bytes, where so few latents share a call
            path.write_bytes(content)


def test_distances_that_were_computed_are_kept(profile, monkeypatch):
    """DVC deletes a stage's outputs before it runs: of features that did not change, nothing is computed again."""
    path = profile.distances_file("plain")
    before = path.read_bytes()
    path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(distances, "of_prompt", lambda *args: pytest.fail("computed again"))
        distances.run(profile, "plain")
    assert path.read_bytes() == before
    features_path = profile.features("max_div")
    content, found = features_path.read_bytes(), read_features(features_path)
    try:
        write_features(features_path, replace(found, vectors=found.vectors | {"general": found.vectors["general"] + 1}))
        distances.run(profile, "plain")
        assert path.read_bytes() != before
    finally:
        features_path.write_bytes(content)
        distances.run(profile, "plain")
    assert path.read_bytes() == before


def test_all_sets_in_one_process(profile, monkeypatch):
    """As the sweep runs them: a method that fails is recorded with its reason and left out, the others are as before."""
    before = {name: profile.samples(name).read_bytes() for name in profile.image_sets}
    assert read_failures(profile) == {}
    real = sample.sample

    def failing(profile, name):
        if name == "channel_average":
            raise FloatingPointError("channel_average, prompt vase: particle 0 is not finite after level 1")
        real(profile, name)

    stray = profile.distances_file("of_an_older_profile")
    with monkeypatch.context() as patch:
        patch.setattr(sample, "sample", failing)
        sample.run(profile)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # an older list is of no use to it
        patch.setattr(sample, "sample", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        sample.run(profile)
    assert not profile.failed.exists()
    with monkeypatch.context() as patch:
        patch.setattr(sample, "sample", failing)
        sample.run(profile)
    reference.run(profile)
    assert {name: profile.samples(name).read_bytes() for name in profile.image_sets} == before
    assert list(read_failures(profile)) == ["channel_average"]
    assert sets_made(profile) == [name for name in profile.image_sets if name != "channel_average"]
    features.run(profile)
    kept = profile.distances_file("channel_average").read_bytes()
    stray.write_text("{}", encoding="utf-8")
    results = profile.distances_file("plain").read_bytes()
    distances.run(profile)
    assert not stray.exists() and not profile.distances_file("channel_average").exists()
    assert profile.distances_file("plain").read_bytes() == results
    profile.distances_file("channel_average").write_bytes(kept)
    profile.failed.unlink()


def test_check_accepts_and_compares(profile, monkeypatch, capsys):
    monkeypatch.setattr(check.sys, "argv", ["check", "params.yaml", "--accept"])
    check.main()
    monkeypatch.setattr(check.sys, "argv", ["check", "params.yaml"])
    check.main()
    assert " 0 beyond their tolerance" in capsys.readouterr().out
    text = profile.expected.read_text().splitlines()
    cells = text[1].split(",")
    profile.expected.write_text("\n".join([text[0], ",".join([*cells[:-1], str(2 * float(cells[-1]) + 9)]), *text[2:]]))
    with pytest.raises(SystemExit):
        check.main()
    assert "1 beyond their tolerance" in capsys.readouterr().out


def test_unknown_names_stop_before_a_model_is_loaded(profile, monkeypatch):
    monkeypatch.setattr(sample, "pipeline_of", lambda *args: pytest.fail("loaded"))
    with pytest.raises(BadInput, match="unknown method 'svgd'; expected one of channel_average, plain"):
        sample.run(profile, "svgd")
    assert set(load_methods(Path("methods.yaml"))) == set(METHODS)


@pytest.mark.parametrize("here,n,prompts", [("", 120, 6), ("profiles/ci", 20, 2)])
def test_swapped_methods_are_noticed(here, n, prompts):
    """The tolerances of the profiles that are compared are tight enough to tell one method from another."""
    study = read_profile(ROOT / here / "params.yaml", Study)
    expected = check.read_expected(ROOT / here / "expected.csv")
    methods = expected[expected["set"].isin(["plain", "style_classifier"])].assign(n=n)
    swapped = methods.assign(set=methods["set"].map({"plain": "style_classifier", "style_classifier": "plain"}))
    table = check.compare(swapped, methods.drop(columns="n"), study)
    for metric, space in (("frechet", "general"), ("mmd", "style"), ("effective_artists", "")):
        found = table[(table["metric"] == metric) & (table["space"] == space) & (table["against"] != "truth")]
        assert len(found) == 2 * prompts and not found["within"].any()


@pytest.fixture(scope="module")
def broken(profile) -> None:
    """Models, an encoder and methods that each would fail in a later stage."""
    ordinary = [line for line in PROMPTS.splitlines() if not line.startswith("odd")]
    Path("ordinary.csv").write_text("\n".join(ordinary) + "\n", encoding="utf-8")
    good = "repel: [{energy: rbf, space: latent, input: noisy, strength: {kind: relative, value: .nan}, bandwidth: median}]"
    rows = Path("methods.yaml").read_text(encoding="utf-8")
    Path("nan.yaml").write_text(f"{rows}latent: {{predict: euler, {good}}}\n", encoding="utf-8")
    never = rows.replace("plain:\n", "plain:\n  guidance: {scale: 2, sigma_max: 0.01}\n")
    assert never != rows
    Path("never.yaml").write_text(never, encoding="utf-8")
    for name in ("nan", "wide", "steps", "sample", "size"):
        shutil.copytree(ROOT / "models" / "painted-world", Path("broken") / name)
    shutil.copytree(ROOT / "models" / "painted-world" / "encoder", "broken/encoder")

    def with_nan(path: Path, name: str | None = None) -> None:
        tensors = load_file(path)
        for one in [name] if name else tensors:
            tensors[one][...] = float("nan")
        save_file(tensors, path, metadata={"format": "pt"})

    def changed(path: Path, **values) -> None:
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")

    with_nan(Path("broken/nan/unet/diffusion_pytorch_model.safetensors"), "conv_in.bias")
    with_nan(Path("broken/encoder/model.safetensors"))
    changed(Path("broken/wide/unet/config.json"), block_out_channels=[96, 128], attention_head_dim=[3, 4])
    changed(Path("broken/steps/scheduler/scheduler_config.json"), beta_schedule="unheard of")
    changed(Path("broken/sample/scheduler/scheduler_config.json"), prediction_type="sample")
    changed(Path("broken/size/unet/config.json"), sample_size=[8, 16])


@pytest.mark.parametrize(
    "change,message",
    [
        ({"sampling": {"schedule": "cosine"}}, "unknown schedule 'cosine'; expected one of linspace, karras"),
        (
            {"reference_sets": {"truth": {"kind": "painted", "images_per_artist": 2, "seed": 2}}},
            "reference_sets: truth: kind: expected one of named, rendered, got 'painted'",
        ),
        (
            {"reference_sets": {"truth": {"kind": "rendered", "images_per_artist": 2, "seed": 2}}},
            "reference truth: prompt odd is none of the painted world's",
        ),
        (
            {
                "methods": ["svgd"],
                "image_sets": ["svgd", *VALUES["references"]],
                "analysis": VALUES["analysis"] | {"baseline": "svgd"},
            },
            "unknown method 'svgd'",
        ),
        ({"encoder": {"name": "clip"}}, "unknown encoder 'clip'"),
        ({"world": "sung"}, "unknown world 'sung'; expected one of painted, drawn"),
        ({"world": None, "prompts": {"artists": None}}, "prompts: artists: expected names where world is null"),
        ({"world": None}, "encoder painted_world: reads the painted world; the profile's world is None"),
        ({"world": "drawn"}, "encoder painted_world: reads the painted world; the profile's world is drawn"),
        ({"model": "models/nowhere"}, "no model_index.json"),
        ({"style_classifier": {"subjects": ["dragon"]}}, "the model does not know 'dragon'; it knows a, ambrel"),
        ({"style_classifier": {"subjects": ["a\nvase"]}}, "style_classifier: subjects: expected printable text"),
        ({"style_classifier": {"width": 12}}, "width: expected one whose parts are multiples of 8, got 12 with 12"),
        (
            {"methods_file": "nan.yaml"},
            r"nan.yaml: latent: repel\[0\]: strength: value: expected a finite number, got nan",
        ),
        (
            {"methods_file": "never.yaml"},
            r"never.yaml: plain: guidance: no noise level within sigma 0.0 .. 0.01; the 3 levels",
        ),
        (
            {"model": "broken/nan"},
            "model broken/nan: part 'unet': tensor conv_in.bias has values that are not finite",
        ),
        ({"model": "broken/wide"}, "part 'unet': weights and configuration do not fit: "),
        ({"model": "broken/steps"}, "model broken/steps: part 'scheduler'"),
        ({"model": "broken/sample"}, "unknown prediction type 'sample'; expected one of epsilon, v_prediction"),
        (
            {"model": "broken/size"},
            "style_classifier: expected square latents of 4 channels, got 8x16 of 4",
        ),
        (
            {"encoder": {"weights": "broken/encoder"}},
            "encoder painted_world: broken/encoder: general of a blank image is not finite",
        ),
    ],
)
def test_what_cannot_run_stops_before_anything_is_sampled(profile, broken, change, message):
    values = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    values["prompts"]["source"] = "prompts.csv" if "prompt odd" in message else "ordinary.csv"
    for key, value in change.items():
        values[key] = values[key] | value if isinstance(value, dict) else value
    before = profile.prompts_file.read_bytes()
    with pytest.raises(BadInput, match=message) as raised:
        prepare.run(strict(Study, values, "params.yaml"))
    assert "\n" not in str(raised.value) and profile.prompts_file.read_bytes() == before


def in_another_order(found: FeatureSet) -> FeatureSet:
    vectors = {name: values[::-1] for name, values in found.vectors.items()}
    return replace(found, prompt_id=found.prompt_id[::-1], index=found.index[::-1], vectors=vectors)


def other_classes(found: FeatureSet) -> FeatureSet:
    return replace(found, classes=found.classes | {"artist": found.classes["artist"][::-1]})


def narrower(found: FeatureSet) -> FeatureSet:
    return replace(found, vectors=found.vectors | {"general": found.vectors["general"][:, 1:]})


@pytest.mark.parametrize(
    "change,message",
    [
        (lambda f: replace(f, encoder="painted_world 1"), "set plain: features of encoder painted_world 1 cannot be compared"),
        (lambda f: replace(f, name="style_classifier"), "plain.npz: holds features of the set style_classifier, expected plain"),
        (lambda f: replace(f, manifest="0" * 64), "plain.npz: not made of the images of .*plain.zip"),
        (in_another_order, "plain.npz: its rows are not the images of the set plain"),
        (narrower, "set plain: general has 63 columns, and 64 in"),
        (other_classes, "set plain: other classes of artist than in"),
    ],
)  # fmt: skip
def test_features_of_something_else_are_not_read(profile, change, message):
    path = profile.features("plain")
    content = path.read_bytes()
    write_features(path, change(read_features(path)))
    try:
        with pytest.raises(BadInput, match=message):
            distances.run(profile, "plain")
    finally:
        path.write_bytes(content)


def test_another_set_s_files_stop_every_reader(profile):
    """Copied over by hand: features are told by the name in them, images by their manifest."""
    images, vectors = profile.samples("plain"), profile.features("plain")
    contents = images.read_bytes(), vectors.read_bytes()
    try:
        vectors.write_bytes(profile.features("channel_average").read_bytes())
        for run in (
            lambda: distances.run(profile, "plain"),
            lambda: tables.run(profile),
            lambda: pairs.draw(profile, IDS),
        ):
            with pytest.raises(BadInput, match="plain.npz: holds features of the set channel_average, expected plain"):
                run()
        images.write_bytes(profile.samples("channel_average").read_bytes())
        for run in (lambda: features.run(profile, "plain"), lambda: draw.run(profile), lambda: report.run(profile)):
            with pytest.raises(BadInput, match="plain.zip: holds the set channel_average, expected plain"):
                run()
    finally:
        images.write_bytes(contents[0])
        vectors.write_bytes(contents[1])


def test_features_of_other_images_stop_figures_too(profile):
    path = profile.features("max_div")
    content = path.read_bytes()
    write_features(path, replace(read_features(path), manifest="0" * 64))
    try:
        for run in (lambda: distances.run(profile, "plain"), lambda: pairs.draw(profile, IDS)):
            with pytest.raises(BadInput, match="max_div.npz: not made of the images of .*max_div.zip"):
                run()
    finally:
        path.write_bytes(content)


def with_forces(path: Path, change) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["forces.csv"] = change(entries["forces.csv"].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "name,change,message",
    [
        ("channel_average", lambda text: text.splitlines()[0] + "\n", "forces of .* are not as they were recorded"),
        ("channel_average", lambda text: without_third_row(text), "forces of .*vase.* are not as they were recorded"),
        ("channel_average", lambda text: re.sub(r",[^,]+$", ",nan", text.strip()) + "\n", "forces.csv|not finite"),
        ("plain", lambda text: text + "vase,0,0,14.6,1.0,1.0\n", "forces of its particle sets are not as they were"),
    ],
)
def test_forces_that_are_not_whole_are_not_drawn(profile, name, change, message):
    path = profile.samples(name)
    content = path.read_bytes()
    with_forces(path, change)
    try:
        with pytest.raises(BadInput, match=message):
            forces.draw(profile, IDS)
    finally:
        path.write_bytes(content)


def test_features_made_anew_from_what_is_kept_have_the_same_bytes(profile):
    path = profile.features("plain")
    before = path.read_bytes()
    for _ in range(2):
        features.run(profile, "plain")
        assert path.read_bytes() == before


IDS = ["vase", "odd"]


def without_third_row(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:3], *lines[4:]]) + "\n"


def without_last_number(text: str) -> str:
    return re.sub(r",[0-9.]+$", ",", text.strip()) + "\n"


def without_last_row(text: str) -> str:
    return "\n".join(text.splitlines()[:-1]) + "\n"


@pytest.mark.parametrize(
    "name,change,run,message",
    [
        ("results/small/tables/marks.json", None, report.run, "report/paper/paper.typ: .*marks.json"),
        ("results/small/figures/dials.png", None, report.run, "dials.png; dvc repro makes it"),
        ("results/small/style_classifier/accuracy.csv", without_last_number, lambda p: classifier_accuracy.draw(p, IDS), "accuracy.csv: column accuracy: expected finite numbers"),
        ("results/small/tables/truth.csv", None, report.run, "truth.csv.*; run dvc repro again"),
        ("results/small/tables/truth.shown.csv", without_last_row, report.run, "truth.shown.csv: expected the rows and columns of truth.csv"),
        ("results/small/story.csv", without_third_row, lambda p: story.draw(p, IDS), "story.csv: the row of method .* is listed 0 times"),
        ("results/small/style_classifier/accuracy.csv", without_last_row, lambda p: classifier_accuracy.draw(p, IDS), "accuracy.csv: the row of level 2, .* is listed 0 times"),
        ("results/validation/sensitivity.csv", without_last_row, lambda p: dials.draw(p, IDS), "sensitivity.csv: the row of .* is listed 0 times"),
        ("results/validation/sensitivity.csv", lambda text: text.replace("frechet,general,artists,-0", "frechet,general,artists,x0"), lambda p: dials.draw(p, IDS), "sensitivity.csv: column rho: expected finite numbers"),
        ("results/validation/curves.csv", without_last_row, lambda p: dials.draw(p, IDS), "curves.csv: the row of .* is listed 0 times"),
        ("results/validation/ranking_errors.csv", without_last_row, lambda p: dials.draw(p, IDS), "ranking_errors.csv: the row of .* is listed 0 times"),
        ("results/sweep/rows.csv", without_last_row, lambda p: front.draw(p, IDS), "rows are not those of the sweep"),
        ("results/sweep/chosen.csv", lambda text: text + text.splitlines()[-1] + "\n", lambda p: front.draw(p, IDS), "chosen.csv: the row of row .* is listed 2 times"),
        ("results/small/prompts.csv", lambda text: text.replace("vase", "va se"), tables.run, "prompt_id: expected letters"),
        ("results/small/artists.csv", lambda text: text + "ambrel\n", lambda profile: features.run(profile, "plain"), "artist: 'ambrel' is listed twice"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_one_line(profile, name, change, run, message):
    path = Path(name)
    content = path.read_bytes()
    if change is None:
        path.unlink()
    else:
        path.write_text(change(content.decode()), encoding="utf-8")
        assert path.read_bytes() != content
    try:
        with pytest.raises(BadInput, match=message) as raised:
            run(profile)
        assert "\n" not in str(raised.value)
    finally:
        path.write_bytes(content)
