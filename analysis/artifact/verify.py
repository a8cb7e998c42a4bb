"""`make verify`: the artifact against what it claims, one line per check; exit code 1 where one does not hold.

1. Weights, prompts and results in git have the hashes that dvc.lock records.
2. Every table, claim and the leaderboard, made again of the distances in git, are those in git: a verdict per claim.
3. One row is made again, weights to distances, on PROMPTS (ids, or all): within the tolerances of params.yaml.

`python -m analysis.artifact.verify [PROMPTS]`; without PROMPTS nothing is sampled, and the third part is left out.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain

from analysis.artifact import fresh, recomputed
from analysis.artifact.hashes import locks, moved
from analysis.artifact.verdict import Check
from pipeline.profile.command_line import arguments
from repulsion.core.errors import one_line_errors


def files() -> Iterator[Check]:
    for lock in locks():
        others, count = moved(lock)
        line = (
            f"{', '.join(others)}: missing, or not as recorded" if others else f"{count} files and folders as recorded"
        )
        yield Check(f"hashes, {lock}", not others, line)


def tell(checks: Iterable[Check]) -> list[Check]:
    """Print each check when it is done. Returns those that do not hold."""
    failed = []
    for one in checks:
        print(one, flush=True)
        if not one.holds:
            failed.append(one)
    return failed


def main() -> None:
    start, prompts = time.monotonic(), arguments([], ["PROMPTS"])
    print(f"Verifying on {platform.machine()}, {os.cpu_count()} cores", flush=True)
    failed = tell(chain(files(), recomputed.all_of(), *map(fresh.all_of, prompts)))
    if prompts:
        print(f"note  {fresh.repeated_bytes()}")
    print(f"{time.monotonic() - start:.0f} seconds")
    if failed:
        print(f"DOES NOT HOLD: {len(failed)} checks failed, first {failed[0]}")
        sys.exit(1)
    print("HOLDS: every check" + ("" if prompts else ", without a row made again (PROMPTS=...)"))


if __name__ == "__main__":
    with one_line_errors():
        main()
