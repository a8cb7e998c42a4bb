"""The profiles in the repository, and the values of the small one."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
NAMES = ("ci", "drawn", "drawn_sweep", "flow", "flow_sweep", "sd2", "sd2_mini", "sweep")
PROFILES = {"small": ROOT / "params.yaml"} | {name: ROOT / "profiles" / name / "params.yaml" for name in NAMES}
VALUES = yaml.safe_load(PROFILES["small"].read_text())
