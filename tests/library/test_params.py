import dataclasses
import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from pydantic import Field

from pipeline.world_model.artifacts import HERE, WorldParams
from repulsion.core.errors import BadInput, one_line_errors, require_unique
from repulsion.core.files import new_file, read_yaml
from repulsion.core.settings import load, settings, strict
from repulsion.sampling.conditions import Guidance


@settings
class Inner:
    rate: float


@settings
class Outer:
    name: str
    sizes: Annotated[tuple[int, ...], Field(min_length=1)]
    inner: Inner


ROOT = Path(__file__).parents[2]
GOOD = {"name": "a", "sizes": [1, 2], "inner": {"rate": 1}}


def test_reads_nested_settings():
    assert strict(Outer, GOOD, "here") == Outer("a", (1, 2), Inner(1.0))


@pytest.mark.parametrize(
    "change,message",
    [
        ({"extra": 1}, "here: unknown key 'extra'; expected name, sizes, inner"),
        ({"name": 3}, "here: name: expected str, got 3"),
        ({"sizes": []}, "here: sizes: expected a list of at least 1, got []"),
        ({"sizes": 3}, "here: sizes: expected a list, got 3"),
        ({"sizes": [1, True]}, "here: sizes[1]: expected int, got True"),
        ({"inner": {"rate": float("nan")}}, "here: inner: rate: expected a finite number, got nan"),
        ({"inner": {"rate": float("-inf")}}, "here: inner: rate: expected a finite number, got -inf"),
        ({"inner": {"rate": "1"}}, "here: inner: rate: expected float, got '1'"),
        ({"inner": {"rate": 1, "x": 2}}, "here: inner: unknown key 'x'; expected rate"),
        ({"name": ["x" * 50] * 9}, "here: name: expected str, got ['xxx"),
        ({1: 2}, "here: expected keys that are texts, got 1"),
        ({"inner": {2: 1}}, "here: inner: expected keys that are texts, got 2"),
        ({"inner": {}}, "here: inner: missing key 'rate'"),
        ({"inner": None}, "here: inner: expected a mapping, got None"),
    ],
)
def test_bad_settings_name_the_value_received_and_the_one_expected(change, message):
    with pytest.raises(BadInput, match=f"^{re.escape(message)}") as raised:
        strict(Outer, GOOD | change, "here")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 200


def test_a_file_that_is_no_yaml(tmp_path):
    (tmp_path / "params.yaml").write_text("a: [1,\nb: {")
    with pytest.raises(BadInput, match="not YAML") as error:
        load(Outer, tmp_path / "params.yaml")
    assert "\n" not in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        load(Outer, tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "path,value,message",
    [
        (("device",), "tpu", "params.yaml: device: expected one of cpu, cuda, got 'tpu'"),
        (("vae", "training", "steps"), 0, "params.yaml: vae: training: steps: expected at least 1, got 0"),
        (("vae", "training", "ema"), 1.0, "vae: training: ema: expected less than 1, got 1.0"),
        (("vae", "training", "peak_lr"), -1.0, "vae: training: peak_lr: expected more than 0, got -1.0"),
        (("vae", "training", "weight_decay"), float("inf"), "weight_decay: expected a finite number, got inf"),
        (("vae", "channels"), [16, 32], "vae: channels: expected a list of at least 4"),
        (("denoiser", "channels"), [64, 100], r"denoiser: channels\[1\]: expected a multiple of 32, got 100"),
        (("denoiser", "caption_dropout"), 1.5, "caption_dropout: expected less than 1, got 1.5"),
        (("measure", "batch"), 0, "measure: batch: expected at least 1, got 0"),
    ],
)
def test_world_params_are_checked(path, value, message):
    values = yaml.safe_load((HERE / "params.yaml").read_text())
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        strict(WorldParams, values, "params.yaml")


@settings
class Table:
    rows: Annotated[dict[str, Inner], Field(min_length=1)]


def test_reads_mappings_of_settings():
    assert strict(Table, {"rows": {"a": {"rate": 1}, "b": {"rate": 2.0}}}, "here").rows["b"] == Inner(2.0)
    with pytest.raises(BadInput, match="here: rows: b: missing key 'rate'"):
        strict(Table, {"rows": {"a": {"rate": 1}, "b": {}}}, "here")
    for value, got in (({}, "a mapping of at least 1"), ([], "a mapping"), (None, "a mapping")):
        with pytest.raises(BadInput, match=f"here: rows: expected {got}, got"):
            strict(Table, {"rows": value}, "here")
    with pytest.raises(BadInput, match="here: rows: expected keys that are texts, got 1"):
        strict(Table, {"rows": {1: {"rate": 1}}}, "here")


def test_settings_made_in_code_are_validated_too():
    assert dataclasses.replace(Outer("a", (1,), Inner(2)), sizes=(3,)).sizes == (3,)
    with pytest.raises(BadInput, match="rate: expected a finite number, got nan"):
        Inner(float("nan"))
    with pytest.raises(BadInput, match=r"sizes\[1\]: expected int, got 'b'"):
        Outer("a", (1, "b"), Inner(1.0))
    with pytest.raises(BadInput, match="^scale: expected at least 1, got 0.5"):
        Guidance(0.5)  # the range's own fields go by name
    with pytest.raises(BadInput, match="^expected scale by position, got more"):
        Guidance(2.0, 3.0)


@pytest.mark.parametrize(
    "content,message",
    [
        (b"a: 1\na: 2\n", 'line 2: found duplicate key "a"; expected every key once'),
        (b"a:\n  b: 1\n  b: 2\n", 'line 3: found duplicate key "b"'),
        ("a: Zoë\n".encode("latin-1"), "not in UTF-8: byte 0xeb at 5"),
        (b"a: !!python/object:os.system x\n", "not YAML"),
        (b"a:\t- 1\n", "not YAML"),
        (b"a: \x00\n", "not YAML"),
        (b"a: 2026-13-45\n", "not YAML"),
        (b"a: !!bool abc\n", "not YAML"),
        (b"a: " + b"[" * 3000 + b"]" * 3000, "not YAML"),
    ],
)
def test_files_that_are_no_yaml_are_one_line(tmp_path, content, message):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message) as raised:
        read_yaml(path)
    assert "\n" not in str(raised.value) and str(path) in str(raised.value)


@pytest.mark.parametrize("content", ["name: Zoë\n".encode(), "\ufeffname: Zoë\r\n".encode()])
def test_yaml_as_editors_write_it_in_any_locale(tmp_path, content):
    """With a byte order mark or without, whatever the locale's encoding is."""
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    code = f"from pathlib import Path; from repulsion.core.settings import read_yaml; print(ascii(read_yaml(Path({str(path)!r}))))"
    env = os.environ | {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONPATH": str(ROOT), "PYTHONCOERCECLOCALE": "0"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert found.stdout == "{'name': 'Zo\\xeb'}\n"


def test_values_that_are_no_settings(tmp_path):
    path = tmp_path / "params.yaml"
    for text in ("name: 2026-01-01\n", "name: &a [*a]\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match="expected numbers, texts, lists and mappings") as raised:
            load(Outer, path)
        assert "\n" not in str(raised.value)


def test_repeated_names():
    with pytest.raises(BadInput, match="ids: 'a' is listed twice"):
        require_unique(["a", "b", "a"], "ids")
    with pytest.raises(BadInput, match="ids: 'vase' and 'Vase' differ in upper and lower case only"):
        require_unique(iter(["vase", "Vase"]), "ids")
    require_unique(["a", "b"], "ids")


def test_a_new_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with new_file(path) as part:
        part.write_text("one")
        assert not path.exists()
    with pytest.raises(RuntimeError):
        with new_file(path) as part:
            part.write_text("half")
            raise RuntimeError
    assert path.read_text() == "one" and [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_other_errors_keep_their_traceback():
    with pytest.raises(FileNotFoundError):
        with one_line_errors():
            open("/nowhere/at/all", encoding="utf-8")
    for number, message in (
        (errno.ENOSPC, r"the disk is full \(here\); free some space"),
        (errno.EACCES, r"Permission denied \(here\); expected a folder that can be read and written"),
        (errno.EROFS, r"Read-only file system \(here\)"),
    ):
        with pytest.raises(SystemExit, match=f"error: {message}"):
            with one_line_errors():
                raise OSError(number, os.strerror(number), "here")
    with pytest.raises(SystemExit, match="error: plain: particle 3 is not finite"):
        with one_line_errors():
            raise FloatingPointError("plain: particle 3 is not finite")
