"""docs/artifact.md is what the results say; citations and deposits have the package's version."""

import json
import re

import jsonschema
import pytest
import yaml
from end_to_end import ROOT

import repulsion
from analysis.artifact import page
from analysis.artifact.archive.release import citation
from repulsion.core.errors import BadInput

# Fields of a deposit that Zenodo asks for, of software (its developers' pages, "deposit metadata").
ZENODO = {"title", "upload_type", "description", "creators", "access_right", "license"}
SCHEMA = json.loads((ROOT / "tests/support/cff-1.2.0.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_page_in_git_is_that_of_the_results():
    assert (ROOT / "docs/artifact.md").read_text(encoding="utf-8") == page.render()


def test_a_moved_number_and_a_claim_of_no_file_change_the_page(monkeypatch):
    before = page.claims()
    read = page.pd.read_csv
    monkeypatch.setattr(page.pd, "read_csv", lambda path: read(path).replace(0.89131097, 0.79131097))
    assert page.claims() != before and "0.791 [" in page.claims()
    monkeypatch.setattr(page, "read_text", lambda path: "| a claim | `nowhere.csv` | 1 |\n## ")
    with pytest.raises(BadInput, match=re.escape("docs/results.md: no such file: results/small/tables/nowhere.csv")):
        page.others()


def test_every_claim_of_the_results_page_is_on_it():
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (?!claim)([^|]+) \|", text[: text.find("\n## ")], re.MULTILINE)
    assert len(listed) > 20 and all(f"| {claim} |" in page.others() for claim in listed)


def test_the_citation_is_valid_and_of_this_version():
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    jsonschema.validate(found, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found | {"cff-version": "0"}, SCHEMA)
    assert citation()["version"] == repulsion.__version__


def test_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(repulsion, "__version__", "9.9.9")
    with pytest.raises(BadInput, match=re.escape("CITATION.cff: version: expected '9.9.9', got '0.2.0'")):
        citation()


def test_the_deposit_says_what_the_citation_does():
    found = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    cited = citation()
    assert ZENODO <= found.keys() and found["upload_type"] == "software" and found["access_right"] == "open"
    same = {
        "title": "title",
        "version": "version",
        "license": "license",
        "keywords": "keywords",
        "description": "abstract",
    }
    assert {key: found[key] for key in same} == {key: cited[name] for key, name in same.items()}
    assert [one["name"] for one in found["creators"]] == [one["name"] for one in cited["authors"]]


def test_the_container_file_copies_and_runs_what_there_is():
    """It is not built in tests, which need no network: its parts are checked."""
    text = (ROOT / ".ci/Containerfile").read_text(encoding="utf-8")
    (base,) = re.findall(r"^FROM (\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-bookworm", base)
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for name in line.split()]
    assert "requirements.lock" in copied and all((ROOT / name).exists() for name in copied)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    ran = (
        re.findall(r"^RUN make (\S+)$", text, re.MULTILINE)
        + json.loads(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[0])[1:]
    )
    assert ran == ["env", "scm", "verify"] and set(ran) <= set(targets)
