"""The paper of the profiles whose results are in git: its length, its abstract, its type."""

import json
import re
from pathlib import Path

import pytest
import typst
from end_to_end import ROOT

from analysis.paper import paper
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput

PROFILES = ["params.yaml", "profiles/flow/params.yaml"]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def texts(content) -> str:
    """What a piece of typst content says."""
    if isinstance(content, list):
        return "".join(map(texts, content))
    if isinstance(content, dict):
        return (
            content.get("text", "")
            + "".join(texts(v) for k, v in content.items() if k in ("children", "body", "child"))
            + (" " if content.get("func") == "space" else "")
        )
    return ""


@pytest.mark.parametrize("params", PROFILES)
def test_a_paper_ends_by_its_tenth_page_and_its_abstract_has_four_numbers_at_most(params):
    inputs = paper.inputs_of(read_profile(Path(params), Study))
    read = {"root": ".", "sys_inputs": inputs, "ignore_system_fonts": True}
    assert 3 <= int(json.loads(typst.query(paper.SOURCE, "<last-page>", field="value", one=True, **read))) <= 10
    (abstract,) = json.loads(typst.query(paper.SOURCE, "<abstract>", **read))
    said = texts(abstract)
    assert said.startswith("Abstract. Ask a diffusion model") and "guidance interval" in said
    assert 1 <= len(re.findall(r"\d+", said)) <= 4


def test_no_type_is_smaller_than_eight_points():
    sizes = [
        float(size)
        for path in Path("report/paper").glob("*.typ")
        for given in re.findall(
            r"size: ([^,)]*pt)", path.read_text(encoding="utf-8").replace("mark(kind, filled: true, size: 5pt)", "")
        )
        for size in re.findall(r"([\d.]+)pt", given)
    ]
    assert len(sizes) > 5 and min(sizes) >= 8


def test_what_the_paper_lacks_is_one_line_with_its_place(tmp_path, monkeypatch):
    study = read_profile(Path("params.yaml"), Study)
    monkeypatch.setattr(
        paper,
        "inputs_of",
        lambda study: {"results": "/results/none", "params": "/params.yaml", "methods": f"/{study.methods_file}"},
    )
    with pytest.raises(BadInput, match="report/paper/paper.typ: file not found .*summary.json.*; run dvc repro again"):
        paper.render(study)
