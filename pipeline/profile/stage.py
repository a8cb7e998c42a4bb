"""The entry point that every stage of a profile shares, and the record of what a stage took."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.profile.command_line import arguments
from pipeline.profile.profile import Profile, read_profile
from pipeline.profile.scratch import WORKER
from repulsion.core.errors import one_line_errors


def main(run: Callable[..., None], name: str | None = None, kind: type[Profile] = Profile) -> None:
    """`python -m MODULE params.yaml [NAME]` calls run(profile) or run(profile, NAME), the profile read as this kind.
    `name`: what the optional NAME is called, where the stage takes one."""
    with one_line_errors():
        path, *given = arguments(["params.yaml"], [name] if name else [])
        profile = read_profile(Path(path), kind)
        run(profile, *given)
        if WORKER not in os.environ:
            log_cost(profile, " ".join([sys.modules["__main__"].__spec__.name, *given]))


def seconds_since_start() -> float:
    """How long this process has lived, its imports included (where there is no /proc, the processor time it took)."""
    if not Path("/proc/self/stat").is_file():
        return time.process_time()
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    ticks = int(fields[19])  # field 22: start, since boot
    return float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


def log_cost(profile: Profile, stage: str) -> None:
    """Add what a stage took, and the peak memory of its largest process, to a file beside the results and never among
    them: times differ from run to run."""
    of = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    peak = max(resource.getrusage(one).ru_maxrss for one in of) / 2**20  # Linux counts it in KiB
    row = {"stage": stage, "seconds": round(seconds_since_start(), 1), "peak_gib": round(peak, 2)}
    profile.times.parent.mkdir(parents=True, exist_ok=True)
    with profile.times.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
