"""A method from outside of the repository: measured, repeated, and refused where its numbers do not repeat."""

import json
import re
from pathlib import Path

import pytest
import yaml
from end_to_end import ROOT

from analysis.leaderboard import submit
from analysis.leaderboard.submissions import read_submission
from repulsion.core.errors import BadInput

CODE = """from repulsion import register

@register("energy", "constant")
def constant(sqdist, h):
    return -1 / (len(sqdist) * h) + 0 * sqdist

CELL = {"energy": "constant", "space": "channel_average", "input": "noisy", "bandwidth": "median"}
METHODS = {"mine": {"predict": "euler", "repel": [CELL | {"strength": {"kind": "relative", "value": 0.1}}]}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The ci profile at two noise levels, on one prompt; stages run in processes of their own, as in make submit."""
    for name in ("models", "prompts.csv", "profiles", "requirements.lock", "repulsion"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "validation").symlink_to(ROOT / "results" / "validation")
    values = yaml.safe_load((ROOT / "profiles/ci/params.yaml").read_text())
    values["sampling"] |= {"levels": 2}
    values["prompts"] |= {"only": ["vase"]}
    values["style_classifier"] |= {"folder": "models/style-classifier"}
    base = tmp_path / "base" / "test" / "params.yaml"
    base.parent.mkdir(parents=True)
    base.write_text(yaml.safe_dump(values))
    (tmp_path / "mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(submit, "BASES", {"test": base})
    return tmp_path


def test_a_submission_from_code_to_json_and_again(folder):
    path = submit.submit("mine.py")
    first = read_submission(path)
    assert first.method == first.row_name == "mine" and first.code == CODE and first.profile == "test"
    assert first.needs["style_classifier"] == "classifier" and "mine" not in first.needs
    assert first.results.images == first.plain.images == 20 and first.repeated == ()
    assert first.provenance.commit and len(first.provenance.lock) == 64
    again = read_submission(submit.submit("mine.py"))
    assert again.results == first.results and len(again.repeated) == 1
    values = json.loads(path.read_text())
    row = next(r for r in values["results"]["rows"] if r["metric"] == "frechet" and r["space"] == "general")
    row["value"] *= 3
    path.write_text(json.dumps(values))
    with pytest.raises(BadInput, match=re.escape("mine, prompt vase: frechet in general: expected")):
        submit.submit("mine.py")
    (folder / "mine.py").write_text(CODE + "\n# another\n")
    with pytest.raises(BadInput, match="made from another file than .*; delete it to replace it"):
        submit.submit("mine.py")
    assert read_submission(path).results.rows != first.results.rows  # the file is as it was
