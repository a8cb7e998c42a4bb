"""Where time goes: every stage's last run in this checkout, and how time grows with the work. Writes
bench/results/stages.json.

Growth is the slope of log time over log size, loading left out: 1 where twice the work takes twice the time.
"""

from __future__ import annotations

import datetime
import json
import statistics
import tempfile
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.timing import interleaved, machine, use_two_cores
from pipeline.profile.profile import Profile, read_profile
from pipeline.sampling.particle_sets import pipeline_of
from pipeline.stages import features, sample
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.sampling.methods import load_method
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

RESULTS = Path(__file__).parent / "results" / "stages.json"
TIMES = (1, 2, 4)  # as many images
PARTICLES = (16, 32, 64, 128, 256)  # in one set
METHOD = "channel_average"
ROUNDS = 3


def stage_rows(times: Path) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Runs, seconds, share of all seconds and peak memory by stage; and every run."""
    if not times.is_file():
        raise BadInput(f"no {times}: run make reproduce first")
    table = pd.DataFrame([json.loads(line) for line in times.read_text(encoding="utf-8").splitlines()])
    last = table.drop_duplicates("stage", keep="last")
    totals = {"runs": ("stage", "size"), "seconds": ("seconds", "sum"), "peak_gib": ("peak_gib", "max")}
    rows = last.groupby(last["stage"].str.split().str[0], sort=False).agg(**totals)
    rows["seconds_each"] = (rows["seconds"] / rows["runs"]).round(1)
    rows["share"] = (rows["seconds"] / rows["seconds"].sum()).round(3)
    return rows.round({"seconds": 1, "peak_gib": 2}).reset_index().to_dict("records"), last


def slope(sizes: list[int], times: list[float]) -> float:
    return round(float(np.polyfit(np.log(sizes), np.log(times), 1)[0]), 3)


def growth_row(what: str, sizes: tuple[int, ...], works: dict[str, Callable[[], object]]) -> dict[str, Any]:
    """Medians of interleaved rounds, and the slope."""
    found = [statistics.median(taken) for taken in interleaved(works, ROUNDS).values()]
    return {"what": what, "sizes": list(sizes), "seconds": [round(s, 2) for s in found], "slope": slope(sizes, found)}


def with_images(profile: Profile, times: int, prompts: str) -> Profile:
    """One prompt with so many times the images, in results of its own."""
    p = replace(profile.sampling, sets_per_prompt=profile.sampling.sets_per_prompt * times)
    made = replace(profile, profile=f"growth{times}", sampling=p)
    for path, text in ((made.prompts_file, prompts), (made.artists_file, Path("artists.csv").read_text("utf-8"))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return made


def growth_in_images(profile: Profile) -> list[dict[str, Any]]:
    """The stages that make images and features, on one prompt, in a folder of their own."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for name in ("models", "repulsion"):
            Path(name).symlink_to(here / name)
        head, first = (here / profile.prompts_file).read_text(encoding="utf-8").splitlines()[:2]
        Path("artists.csv").write_bytes((here / profile.artists_file).read_bytes())
        profiles = {times: with_images(profile, times, f"{head}\n{first}\n") for times in TIMES}

        def again(run: Callable[[Profile, str], None], one: Profile, kept: str) -> None:
            for path in (one.scratch / kept).rglob("*.*"):
                path.unlink()
            run(one, METHOD)

        sampled = {str(k): lambda one=one: again(sample.run, one, "shards") for k, one in profiles.items()}
        encoded = {str(k): lambda one=one: again(features.run, one, "features") for k, one in profiles.items()}
        sizes = tuple(times * profile.sampling.images for times in TIMES)
        return [
            growth_row(f"sample {METHOD}, by images", sizes, sampled),
            growth_row("features, by images", sizes, encoded),
        ]


def growth_in_particles(profile: Profile) -> dict[str, Any]:
    """One set of N particles."""
    pipe, method = pipeline_of(profile.model, profile.device, profile.compute), load_method(METHOD)
    p, compute = profile.sampling, profile.compute

    def one_set(n: int) -> None:
        batches = p.batch, compute.gradient_batch, compute.decode_batch
        request = SetRequest(
            "a painting of a vase", 0, "vase", p.schedule, p.levels, p.guidance_scale, *batches, "bench"
        )
        sample_particles(pipe, method, request, list(range(n)))

    works = {str(n): lambda n=n: one_set(n) for n in PARTICLES}
    return growth_row(f"one set of {METHOD}, by particles", PARTICLES, works)


def main() -> None:
    profile = read_profile(Path("params.yaml"))
    rows, last = stage_rows(profile.times)
    print(pd.DataFrame(rows).to_string(index=False))
    print(f"all stages: {last['seconds'].sum():.0f} s, at most {last['peak_gib'].max():.2f} GiB")
    use_two_cores()
    growth = [*growth_in_images(profile), growth_in_particles(profile)]
    for row in growth:
        print(f"slope {row['slope']:.2f}  {row['what']}: {row['seconds']} s")
    found = {"date": datetime.date.today().isoformat(), "machine": machine(), "rows": rows, "growth": growth}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
