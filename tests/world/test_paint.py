"""The command that paints a caption, as a person would run it."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


def paint(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-X", "importtime", "-m", "pipeline.world_model.paint", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["", "a.png"], "error: empty caption; expected"),
        (["a painting of a dragon", "a.png"], "error: unknown subject 'dragon'; expected one of vase, tree"),
        (["a painting of a vase, by monet", "a.png"], "error: unknown artist 'monet'; expected one of ambrel"),
        (["a drawing of a castle", "a.png"], "error: caption 'a drawing of a castle': expected \"a painting of a"),
        (["a drawing of a castle", "a.png", "--world", "sung"], "error: unknown world 'sung'; expected one of painted"),
        (["a painting of a vase", "a.png", "--n", "0"], "error: --n: expected at least 1, got 0"),
        (["a painting of a vase", "no/such/a.png"], "error: file: expected a .png in a folder that exists"),
    ],
)
def test_bad_input_is_one_line_before_anything_heavy_is_imported(arguments, message):
    done = paint(*arguments)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert len(said) == 1 and said[0].startswith(message)
    assert "| torch" not in done.stderr.replace("  ", "")


def test_paints_renders_above_samples(tmp_path):
    done = paint("a painting of a vase, by estrow", str(tmp_path / "vases.png"), "--n", "2", "--levels", "2")
    assert done.returncode == 0, done.stderr[-2000:]
    with Image.open(tmp_path / "vases.png") as page:
        assert page.size == (80 + 2 * 64, 22 + 2 * 64)
