"""The command `repulsion`: what it writes, what it refuses, and that help is instant."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from end_to_end import ROOT
from PIL import Image

from repulsion import __version__, load_methods
from repulsion.command.main import main
from repulsion.command.sample import contact_sheet
from repulsion.diffusion.model import load_pipeline
from repulsion.sampling.repel import repel

MODEL = str(ROOT / "models" / "painted-world")
PROMPT = "a painting of a vase"


def sample(out: Path, *more: str, method: str = "channel_average", model: str = MODEL) -> None:
    options = ["--model", model, "--prompt", PROMPT, "--method", method, "-n", "3", "--levels", "3", "--out", str(out)]
    main(["sample", *options, *more])


def test_images_a_contact_sheet_and_a_record(tmp_path):
    sample(tmp_path / "vases", "--seed", "5")
    run = json.loads((tmp_path / "vases" / "run.json").read_text(encoding="utf-8"))
    assert (run["method"], run["n"], run["seed"], run["prompt"]) == ("channel_average", 3, 5, PROMPT)
    assert run["denoiser_passes"] == 3 * 2 * 3 and run["versions"]["repulsion"] == __version__
    assert run["row"]["repel"][0]["space"] == "channel_average"
    files = [entry["file"] for entry in run["images"]]
    assert sorted(p.name for p in (tmp_path / "vases").iterdir()) == sorted([*files, "contact_sheet.png", "run.json"])
    expected = repel(load_pipeline(Path(MODEL), "cpu"), PROMPT, "channel_average", n=3, seed=5, levels=3, batch=16)
    for entry, image in zip(run["images"], expected.permute(0, 2, 3, 1).numpy(), strict=True):
        path = tmp_path / "vases" / entry["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert np.array_equal(np.asarray(Image.open(path)), image)


def test_a_contact_sheet_holds_every_picture_in_order():
    pictures = [Image.new("RGB", (5, 4), (k, 0, 0)) for k in range(7)]
    sheet = np.asarray(contact_sheet(pictures))
    assert sheet.shape == (3 * 5 - 1, 3 * 6 - 1, 3)
    found = [int(sheet[row * 5, column * 6, 0]) for row in range(3) for column in range(3)]
    assert found == [0, 1, 2, 3, 4, 5, 6, 255, 255]


def test_a_style_classifier_and_rows_of_one_s_own(tmp_path):
    rows = tmp_path / "rows.yaml"
    rows.write_text("mine: {predict: euler, select: {candidates: 2, space: style_classifier}}\n", encoding="utf-8")
    folder = str(ROOT / "models" / "style-classifier")
    sample(tmp_path / "out", "--methods-file", str(rows), "--style-classifier", folder, method="mine")
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert run["denoiser_passes"] == 2 * 3 * 2 * 3 and len(run["images"]) == 3


@pytest.mark.parametrize(
    "more,message",
    [
        (["--method", "stein"], "unknown method 'stein'; expected one of plain, ancestral"),
        (
            ["--method", "style_classifier"],
            "method style_classifier needs a style classifier: expected --style-classifier FOLDER",
        ),
        (["-n", "0"], "n: expected at least 1, got 0"),
        (["--levels", "1"], "levels: expected at least 2, got 1"),
        (["--guidance-scale", "0.5"], "guidance_scale: expected at least 1, got 0.5"),
        (["--schedule", "cosine"], "unknown schedule 'cosine'; expected one of linspace, karras"),
        (["--prompt", " "], "prompt: expected printable text on one line, got ' '"),
        (["--out", "full"], "out: expected a folder that is new or empty, got full"),
        (["--out", "full/file/out"], "out: expected a folder that can be made, got full/file/out"),
        (["--model", "nowhere/nothing"], "model: expected a folder or an id of the hub, got 'nowhere/nothing'"),
        (["--model", "full"], "model full: no model_index.json; expected a folder in diffusers' format"),
    ],
)
def test_what_cannot_be_sampled_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, more, message):
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("full/file").touch()
    with pytest.raises(SystemExit, match=message) as ended:
        sample(Path("out"), *more)
    assert "\n" not in str(ended.value) and not Path("out").exists()


def test_a_line_for_each_method(capsys):
    main(["methods"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(load_methods())
    assert lines[0].split() == ["plain", "euler"]
    row = next(line for line in lines if line.startswith("style_and_place"))
    assert (
        row.endswith(
            "repel by rbf in centre_of_mass of denoised, strength relative 0.3, median bandwidth, sigma_min 1.9"
        )
        and "style_classifier of noisy, strength relative 0.17, median bandwidth;" in row
    )


@pytest.mark.parametrize("words", [["--help"], ["sample", "--help"], ["methods", "--help"], ["--version"]])
def test_help_imports_no_torch(words):
    command = [sys.executable, "-X", "importtime", "-m", "repulsion", *words]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout and "| torch" not in found.stderr


def test_no_words_are_a_usage():
    with pytest.raises(SystemExit):
        main([])
