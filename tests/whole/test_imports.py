"""What importing the library and the stages loads: nothing heavy that they do not use."""

import json
import subprocess
import sys

import pytest
from end_to_end import ROOT

HEAVY = {
    "torch",
    "diffusers",
    "transformers",
    "pandas",
    "matplotlib",
    "seaborn",
    "scipy",
    "jinja2",
    "typst",
    "cleanfid",
}
MODELS = {"diffusers", "transformers", "cleanfid"}  # imported when a model or an encoder is loaded
# A module, and which of the heavy packages it uses.
LOADS = {
    "repulsion": set(),
    "repulsion.command.main": set(),
    "repulsion.sampling.repel": {"torch"},
    "pipeline.stages.style_classifier": {"torch"},
    "pipeline.stages.reference": {"torch"},
    "pipeline.stages.sample": {"torch"},
    "pipeline.stages.features": {"torch"},
    "analysis.stages.distances": {"pandas", "scipy"},
    "analysis.stages.tables": {"pandas", "scipy"},
    "analysis.stages.figures": {"pandas", "scipy", "matplotlib", "seaborn"},
    "analysis.stages.report": {"pandas", "scipy", "jinja2", "typst"},
}


@pytest.mark.parametrize("module", LOADS)
def test_a_module_loads_what_it_uses(module):
    code = f"import {module}, sys, json; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(json.loads(found.stdout)) & HEAVY == LOADS[module]
