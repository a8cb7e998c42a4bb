import dataclasses

import pytest
import yaml

from pipeline.params import BadInput, load, new_file, one_line_errors, strict
from pipeline.world.artifacts import HERE, WorldParams


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float


@dataclasses.dataclass(frozen=True)
class Outer:
    name: str
    sizes: tuple[int, ...]
    inner: Inner


GOOD = {"name": "a", "sizes": [1, 2], "inner": {"rate": 1}}


def test_reads_nested_settings():
    assert strict(Outer, GOOD, "here") == Outer("a", (1, 2), Inner(1.0))


@pytest.mark.parametrize(
    "change,message",
    [
        ({"extra": 1}, "here: unknown key 'extra'; expected name, sizes, inner"),
        ({"name": 3}, "here: name: expected str, got 3"),
        ({"sizes": []}, "here: sizes: expected a list that is not empty"),
        ({"sizes": [1, True]}, "here: sizes: expected int, got True"),
        ({"inner": {}}, "here: inner: missing key 'rate'"),
        ({"inner": None}, "here: inner: expected a mapping, got None"),
    ],
)
def test_bad_settings_name_what_came_and_what_was_expected(change, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        strict(Outer, GOOD | change, "here")


def test_a_file_that_is_no_yaml(tmp_path):
    (tmp_path / "params.yaml").write_text("a: [1,\nb: {")
    with pytest.raises(BadInput, match="not YAML") as error:
        load(Outer, tmp_path / "params.yaml")
    assert "\n" not in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match="no parameter file"):
        load(Outer, tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "path,value,message",
    [
        (("device",), "tpu", "params.yaml: device: expected one of cpu, cuda, got 'tpu'"),
        (("vae", "training", "steps"), 0, "params.yaml: vae: training: steps: expected at least 1, got 0"),
        (("vae", "training", "ema"), 1.0, r"vae: training: ema: expected a number in \[0, 1\), got 1.0"),
        (("denoiser", "channels"), [64, 100], "denoiser: channels: expected multiples of 32, got 100"),
        (("denoiser", "caption_dropout"), 1.5, "caption_dropout: expected a share"),
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


@dataclasses.dataclass(frozen=True)
class Table:
    rows: dict[str, Inner]


def test_reads_mappings_of_settings():
    assert strict(Table, {"rows": {"a": {"rate": 1}, "b": {"rate": 2.0}}}, "here").rows["b"] == Inner(2.0)
    with pytest.raises(BadInput, match="here: rows: b: missing key 'rate'"):
        strict(Table, {"rows": {"a": {"rate": 1}, "b": {}}}, "here")
    for value in ({}, [], None, {1: {"rate": 1}}):
        with pytest.raises(BadInput, match="here: rows: expected a mapping that is not empty"):
            strict(Table, {"rows": value}, "here")


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
            open("/nowhere/at/all")
    with pytest.raises(SystemExit, match="error: plain: particle 3 is not finite"):
        with one_line_errors():
            raise FloatingPointError("plain: particle 3 is not finite")
