"""Every Python and YAML block of the README, run as written."""

import re
from pathlib import Path

import pytest

from repulsion.sampling.methods import load_methods

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_python_blocks_run_in_order(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    found, names = blocks("python"), {}
    assert len(found) == 3
    exec(found[0], names)
    assert names["images"].shape == (16, 3, 64, 64)
    for block in found[1:]:
        exec(block, names)
    assert capsys.readouterr().out.count("'") == 2 * 16  # sixteen names


def test_yaml_rows_are_methods(tmp_path):
    for block in blocks("yaml"):
        (tmp_path / "methods.yaml").write_text(block)
        assert load_methods(tmp_path / "methods.yaml")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", TEXT))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("page", ["README.md", "docs/world.md", "models/painted-world/README.md"])
def test_no_placeholder_is_left(page):
    prose = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    assert not re.findall(r"\| \{[a-z]+\}|\{[a-z]+\} \||@[A-Z_]+@", prose)
