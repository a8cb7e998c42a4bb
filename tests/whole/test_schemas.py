"""JSON Schemas: those in git are those of the code, and files of settings name them."""

import json
import re

import pytest
from profile_values import PROFILES, ROOT

from analysis.schema import TITLE
from analysis.study.settings import Study
from repulsion.command.main import main
from repulsion.core.settings import json_schema
from repulsion.forces.embeddings import SPACES
from repulsion.forces.energies import ENERGIES

METHODS, PARAMS = ROOT / "repulsion" / "data" / "methods.schema.json", ROOT / "profiles" / "params.schema.json"
FILES = {
    **{str(path.relative_to(ROOT)): PARAMS for path in PROFILES.values()},
    "repulsion/data/methods.yaml": METHODS,
    "profiles/flow/methods.yaml": METHODS,
    "profiles/sd2/methods.yaml": METHODS,
    "profiles/sweep/methods.yaml": METHODS,
}


def test_the_schemas_in_git_are_those_of_the_code(capsys):
    main(["methods", "--schema"])
    assert METHODS.read_text(encoding="utf-8") == capsys.readouterr().out
    assert PARAMS.read_text(encoding="utf-8") == json_schema(Study, TITLE)


def test_choices_are_listed_and_other_keys_refused():
    cell = json.loads(METHODS.read_text(encoding="utf-8"))["$defs"]["Repulsion"]
    assert cell["properties"]["energy"]["enum"] == list(ENERGIES)
    assert cell["properties"]["space"]["enum"] == list(SPACES)
    assert cell["additionalProperties"] is False and "strength" in cell["required"]
    profile = json.loads(PARAMS.read_text(encoding="utf-8"))
    assert profile["additionalProperties"] is False and "image_sets" in profile["required"]
    assert profile["$defs"]["ReferenceParams"]["properties"]["kind"]["enum"] == ["named", "rendered"]


@pytest.mark.parametrize("name", FILES)
def test_files_name_their_schema_in_the_first_line(name):
    path = ROOT / name
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", path.read_text(encoding="utf-8").splitlines()[0])
    assert found and (path.parent / found[1]).resolve() == FILES[name]
