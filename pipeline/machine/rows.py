"""`python -m pipeline.machine.rows FILE` prints the validated rows of a file of methods (YAML or Python) as JSON, and
which networks spaces need, those that the file registers among them."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.profile.command_line import arguments
from repulsion.core.errors import one_line_errors
from repulsion.forces.embeddings import NEEDS
from repulsion.sampling.methods import load_methods, read_rows

if __name__ == "__main__":
    with one_line_errors():
        path = Path(*arguments(["FILE"]))
        load_methods(path)
        print(json.dumps({"rows": read_rows(path), "needs": NEEDS}))
