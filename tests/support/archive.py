"""A copy of the repository as an archive of it would be: what git knows, and nothing that was made since."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What no archive of the repository holds.
MADE = re.compile(
    r"\.venv|scratch|archive|\.git|\.dvc/(cache|tmp|config.local)|results/[^/]+/(samples|features|report)|.*__pycache__"
)


def files() -> list[str]:
    """The repository's files: those that git knows, or all of an unpacked archive but what was made in it."""
    if not (ROOT / ".git").exists():
        found = (str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file())
        return [name for name in found if not re.match(rf"({MADE.pattern})/", name)]
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [name for name in found.split("\0") if name and (ROOT / name).is_file()]


def archive(folder: Path, less: str = "$.") -> Path:
    """The repository's files and nothing else; without those whose names match `less`."""
    for name in (name for name in files() if not re.match(less, name)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def committed(folder: Path, less: str = "$.") -> Path:
    """The repository's files as the one commit of a repository, with permissions."""
    archive(folder, less)
    for name in (name for name in files() if not re.match(less, name)):
        shutil.copymode(ROOT / name, folder / name)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message=one"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder
