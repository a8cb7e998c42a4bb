"""One row made again by the benchmark's own stages, from weights to distances, on some of the prompts.

A set's bytes depend on no other set, and an image's noise on its prompt and index alone: what is made of one prompt is
comparable, value by value, with the results of that prompt in git.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from analysis.artifact.check import read_expected
from analysis.artifact.hashes import md5_of
from analysis.artifact.verdict import Check
from analysis.estimates.claims import suite, thesis
from analysis.estimates.claims.claim import evidence, number_of, verdict
from analysis.leaderboard.submit import measured
from analysis.paper.printing import with_interval
from analysis.study.comparable import compare
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from pipeline.profile.prompts import read_prompts
from repulsion.core.errors import BadInput, require_one_of
from repulsion.core.files import new_file, read_yaml

NAME, BASE, ROW = "verify", Path("params.yaml"), "style_classifier"


def prompts_of(words: str, known: list[str]) -> list[str]:
    """The prompt ids that are named, in the benchmark's order; all of them for `all`. Raises BadInput for others."""
    named = known if words == "all" else words.replace(",", " ").split()
    if not named:
        raise BadInput(f"PROMPTS: expected all or some of {', '.join(known)}, got nothing")
    for one in named:
        require_one_of(one, known, "prompt")
    return [one for one in known if one in named]


def profile_of(prompts: list[str], base: Path = BASE) -> Study:
    """The small profile with one method beside plain sampling, on these prompts, in a folder that git does not keep.
    All else is the small profile's, whatever it says."""
    values = read_yaml(base)
    methods = [values["analysis"]["baseline"], ROW]
    values |= {"profile": NAME, "root": "../..", "here": f"scratch/{NAME}/", "methods": methods}
    values |= {"image_sets": [*methods, *values["references"]], "prompts": values["prompts"] | {"only": prompts}}
    path = Path("scratch") / NAME / "params.yaml"
    with new_file(path) as part, part.open("w", encoding="utf-8") as file:
        YAML().dump(values, file)
    return read_profile(path, Study)


def all_of(words: str) -> Iterator[Check]:
    """Sample, encode and measure, then compare. Raises BadInput for unknown prompts at once: what is checked before
    this takes half a minute."""
    shipped = read_profile(BASE, Study)
    return made(shipped, prompts_of(words, [q.prompt_id for q in read_prompts(shipped.prompts_file)]))


def made(shipped: Study, prompts: list[str]) -> Iterator[Check]:
    study = profile_of(prompts)
    measured(study)
    yield from of_results(study, shipped, prompts)
    yield from of_claims(study, shipped, prompts)


def of_results(study: Study, shipped: Study, prompts: list[str]) -> Iterator[Check]:
    """Every toleranced result of every set within its tolerance of expected.csv: a line for each set, which names the
    result that moved most."""
    found, expected = read_results(study), read_expected(shipped.expected)
    found = found[found["metric"].isin(list(shipped.analysis.check))]
    expected = expected[expected["prompt_id"].isin(prompts) & expected["set"].isin(study.image_sets)]
    table = compare(found, expected, shipped)
    moved = (table["difference"].abs() / table["tolerance"]).fillna(float("inf")).where(table["difference"] != 0, 0.0)
    for name in study.image_sets:
        rows = table[table["set"] == name]
        if rows.empty:
            yield Check(f"made again, {name}", False, "no results")
            continue
        worst = rows.loc[moved[rows.index].idxmax()]
        where = " ".join(filter(None, worst[["prompt_id", "metric", "space"]]))
        yield Check(
            f"made again, {name}",
            bool(rows["within"].all()),
            f"{rows['within'].sum()} of {len(rows)} results within tolerance; moved most: {where}, expected "
            f"{worst['value_expected']:.4g}, found {worst['value_found']:.4g}, tolerance {worst['tolerance']:.2g}",
        )


def of_claims(study: Study, shipped: Study, prompts: list[str]) -> Iterator[Check]:
    """The verdict on each claim that this row decides, from what was made again and from the results in git of the same
    prompts: they are to be the same."""
    found = evidence(read_results(study), study)
    kept = read_results(shipped, study.image_sets)
    expected = evidence(kept[kept["prompt_id"].isin(prompts)], study)
    for claim in (*suite.CLAIMS, *thesis.CLAIMS):
        new, old = number_of(claim, found), number_of(claim, expected)
        if new is not None and old is not None:
            yield Check(
                f"made again, claim: {claim.text}",
                verdict(new) == verdict(old),
                f"{with_interval(new.value, *new.interval)}, {verdict(new)}; expected "
                f"{with_interval(old.value, *old.interval)}, {verdict(old)}",
            )


def repeated_bytes() -> str:
    """In words, how many of the row's image sets are whole and have the bytes that dvc.lock records: no check, as
    another processor may round otherwise."""
    stages, study = read_yaml(Path("dvc.lock"))["stages"], read_profile(Path("scratch") / NAME / "params.yaml", Study)
    whole = study.prompts.only is None or len(study.prompts.only) == len(
        read_prompts(Path("results/small/prompts.csv"))
    )
    if not whole:
        return "image sets are those of some prompts; those of all (PROMPTS=all) are compared byte by byte, too"
    recorded = {s: stages[f"sample@{s}"] for s in study.methods} | {
        s: stages[f"reference@{s}"] for s in study.references
    }
    same = [s for s, stage in recorded.items() if md5_of(study.samples(s)) == stage["outs"][0]["md5"]]
    return f"{len(same)} of {len(recorded)} image sets have the very bytes of dvc.lock ({', '.join(same) or 'none'})"
