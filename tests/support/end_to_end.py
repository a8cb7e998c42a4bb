"""A profile's stages in one process, in a folder of its own: what the end-to-end tests share."""

import shutil
from pathlib import Path

from analysis.stages import distances, report, tables
from analysis.stages import figures as draw
from analysis.study.settings import Study
from pipeline.stages import features, reference, sample, story, style_classifier

ROOT = Path(__file__).parents[2]
PAGES = (
    "report",
    *(f"results/{name}" for name in ("validation", "sweep", "carry_over", "leaderboard")),
    *(f"profiles/{name}" for name in ("validation", "sweep", "carry_over", "leaderboard")),
)


def copy_pages(folder: Path) -> None:
    """What the report is made of beside the profile's own numbers. Copied: typst leaves no root, not even by a link."""
    for name in PAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("samples", "features", "distances"))


def run_stages(profile: Study) -> None:
    """Every stage after prompts, in the order of dvc.yaml."""
    style_classifier.run(profile)
    for name in profile.references:
        reference.run(profile, name)
    for name in profile.methods:
        sample.run(profile, name)
    features.run(profile)
    distances.run(profile)
    tables.run(profile)
    story.run(profile)
    draw.run(profile)
    report.run(profile)
