"""The library as others get it: a wheel, installed into a folder of its own, used from an empty one."""

import ast
import os
import subprocess
import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from end_to_end import ROOT
from pages import blocks

import repulsion
from repulsion.sampling.methods import METHODS_FILE, load_methods

MODEL = "models/painted-world"  # of the README's lines: a folder of this checkout


def run(*command: str | Path, **options) -> str:
    found = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built without isolation and without a network, from a copy: a build leaves folders behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    names = ["pyproject.toml", "README.md", "LICENSE"]
    names += [str(p.relative_to(ROOT)) for p in (ROOT / "repulsion").rglob("*") if p.is_file() and p.suffix != ".pyc"]
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    run(Path(sys.executable).parent / "uv", "build", "--wheel", "--no-build-isolation", "--offline", "-o", out, source)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the package and its command, beside the packages of this environment."""
    folder = tmp_path_factory.mktemp("site")
    uv = Path(sys.executable).parent / "uv"
    run(uv, "pip", "install", "--offline", "--no-deps", "--python", sys.executable, "--target", folder, wheel)
    return folder


def test_the_wheel_holds_the_library_alone(wheel):
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(archive.read(next(n for n in names if n.endswith("/METADATA"))).decode())
    roots = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert roots == {"repulsion"} and {"repulsion/py.typed", "repulsion/data/methods.yaml"} <= set(names)
    needed = {
        line.split(";")[0].split(">")[0].strip() for line in metadata.get_all("Requires-Dist") if "extra" not in line
    }
    assert needed == {
        "torch", "diffusers", "transformers", "safetensors", "numpy", "pillow", "pydantic", "ruamel.yaml", "jaxtyping", "tqdm",
    }  # fmt: skip
    assert metadata["Version"] == repulsion.__version__


def test_the_readme_s_lines_run_from_an_empty_folder(installed, tmp_path):
    """As written, but for the model's folder, which is not in an empty one."""
    (lines,) = blocks("README.md", "python")
    assert len([line for line in lines.splitlines() if line.strip()]) <= 5 and lines.count(MODEL) == 1
    code = lines.replace(MODEL, str(ROOT / MODEL)) + (
        "import repulsion\nprint(repulsion.__file__, images.dtype, tuple(images.shape))\n"
    )
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHONPATH": str(installed)}
    out = run(sys.executable, "-c", code, cwd=tmp_path, env=env).split(maxsplit=1)
    assert Path(out[0]).is_relative_to(installed) and out[1].strip() == "torch.uint8 (16, 3, 64, 64)"


def test_the_installed_command(installed, tmp_path):
    env = os.environ | {"PYTHONPATH": str(installed)}
    assert run(installed / "bin" / "repulsion", "--version", cwd=tmp_path, env=env).strip() == repulsion.__version__
    lines = run(installed / "bin" / "repulsion", "methods", cwd=tmp_path, env=env).splitlines()
    assert [line.split()[0] for line in lines] == list(load_methods(METHODS_FILE))


def test_public_names_are_few_and_documented():
    assert len(repulsion.__all__) <= 12
    for name in repulsion.__all__:
        assert name == "__version__" or len(getattr(repulsion, name).__doc__) > 40, name
    assert set(repulsion.__all__) <= set(dir(repulsion))
    with pytest.raises(AttributeError, match="module 'repulsion' has no attribute 'sampler_of_mine'"):
        repulsion.sampler_of_mine  # noqa: B018


def test_type_checkers_see_the_names_that_are_imported_when_used():
    """The imports for type checkers are those of the table."""
    tree = ast.parse((ROOT / "repulsion" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module.removeprefix("repulsion.") for node in block.body for alias in node.names}
    assert seen == repulsion._WHERE and set(seen) | {"__version__"} == set(repulsion.__all__)
