"""`make artifact`: docs/artifact.md, of the results, tables and cards in git; a test compares the two."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.artifact.fresh import BASE, ROW
from analysis.artifact.recomputed import ENDS, FROM_IMAGES
from analysis.estimates.claims import suite, thesis
from analysis.estimates.claims.claim import evidence, number_of
from analysis.paper.printing import with_interval
from analysis.study.carry_over import RESULTS as COMPARED
from analysis.study.carry_over import read_carry_over
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput
from repulsion.core.files import read_json, read_text

HEAD = """# The artifact: claims, commands and badges

Written by `make artifact` from the results in git. `make verify` checks it all and prints one line per check, then one
verdict; it ends with exit code 1 where a check does not hold:

1. **Hashes.** Weights, prompts and results in git against the MD5 sums in the `dvc.lock` files.
2. **Claims.** Every table and claim, and the leaderboard, made again of the distances in git: a verdict per claim.
3. **One row, made again.** `style_classifier`, with plain sampling and the references, from weights to distances, by
   the benchmark's own stages and the small profile's settings. By default on one prompt, `cave`;
   `make verify PROMPTS="vase tree"` takes others and `PROMPTS=all` the whole row. A set's bytes depend on no other set
   and an image's noise on its prompt and index alone, so that each result is compared with that of the same prompt in
   `expected.csv`, within the tolerances of `params.yaml` (`analysis.check`), and the claims that the row decides get a
   verdict of their own.

`.ci/Containerfile` is the environment as an image. It has not been built yet: a test checks what it copies and runs.

"""
BADGES = """## Badges

In the terms of ACM's Artifact Review and Badging, version 1.1. None has been awarded; this is what a reviewer can check.

| badge | what there is to check |
|---|---|
| Artifacts Available | **Not yet**: it takes a deposit with an identifier, and there is none. `make archive` makes what is to be deposited: one ZIP of a commit, whose SHA-256 repeats, with `.zenodo.json`, `CITATION.cff`, an RO-Crate of the run, Croissant metadata and a list of packages. |
| Artifacts Evaluated: Functional | Documented ([structure](structure.md), [reproducing](reproducing.md)), consistent and complete (the claims below, each with its file and command), exercisable (`make reproduce PROFILE=ci`, `make test`). |
| Artifacts Evaluated: Reusable | Methods, energies, prompts, encoders and models of others ([extending](extending.md)), a library that is installed alone ([models](models.md)), parameters with schemas, licences below. |
| Results Validated: Reproduced | By another team with these artifacts: `make verify` in part, `make reproduce` and `make check` in whole, `make peers` and `make carry-over` for what is beyond the small profile. |
| Results Validated: Replicated | By another team *without* these artifacts: formulas, settings and margins are in [methods](methods.md), [metrics](metrics.md) and [the world](world.md). Our second model is no replication: it is ours. |

"""
CLAIMS = """## Claims

A claim holds where its number is above 0 with its whole interval (95%). Numbers and verdicts are those of
`results/carry_over/claims.csv`, made by `make reproduce`, `make reproduce PROFILE=flow` and `make carry-over`;
`make verify` takes them again of the distances in git. The last column says which the row made again decides, too.

"""
OTHERS = """
## The other numbers

Those of [results](results.md): the file that has each, what makes the file, and what `make verify` does with it.

"""
COMMANDS = """
## Time and memory

Times are those of [reproducing](reproducing.md), on two cores. Memory is the largest process's of the small profile,
as `bench/results/stages.json` has it; there are as many as cores. Where it was not measured nothing stands.

"""
LICENCES = """
## Licences

| part | licence |
|---|---|
| code, prompts, results, figures | [Apache-2.0](../LICENSE) |
"""
LAST = """| icons of the drawn world, and pictures made of them | [their authors' own](../pipeline/world/drawn/LICENCES.md) |
| packages that it runs on | their own: `sbom.cdx.json` in the archive lists them, from `requirements.lock` |
"""
AGAIN, HASH = "made again of the distances in git", "hash"
# What makes a file, by its folder, and whether make verify makes it again.
MADE_BY = {
    "results/small/tables": ("make reproduce", AGAIN),
    "results/carry_over": ("make carry-over", AGAIN),
    "results/leaderboard": ("make leaderboard", AGAIN),
    "results/peers_sweep": ("make peers", HASH),
    "bench/results": ("make bench", "no: times differ from run to run"),
}
ONLY_HASHED = {"results/leaderboard/growth.csv": "make peers"}
SHOWN = ("make verify", "make archive", "make reproduce", "make reproduce PROFILE=flow", "make carry-over", "make peers",
         "make leaderboard", "make sweep", "make validate", "make test")  # fmt: skip


def table(*rows: tuple[str, ...]) -> str:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |\n" for row in rows]
    return "".join([lines[0], "|" + "---|" * len(rows[0]) + "\n", *lines[1:]])


def claims() -> str:
    """Every claim with its number and verdict on each model."""
    found = pd.read_csv(COMPARED / "claims.csv").set_index("claim")
    models = list(read_carry_over().profiles)
    fresh = decided()
    rows = [("claim", "number", *models, "row made again")]
    for claim, line in found.iterrows():
        cells = [f"{with_interval(*line[[m + end for end in ENDS]])} **{line[f'{m}: verdict']}**" for m in models]
        rows.append((str(claim), line["number"], *cells, "yes" if claim in fresh else ""))
    return table(*rows)


def decided() -> set[str]:
    """The claims that plain sampling and the row decide alone."""
    study = read_profile(BASE, Study)
    names = (study.analysis.baseline, ROW)
    results = read_results(study, (*names, *study.references))
    of = evidence(results, replace(study, methods=names, image_sets=names + study.references))
    return {claim.text for claim in (*suite.CLAIMS, *thesis.CLAIMS) if number_of(claim, of) is not None}


def others() -> str:
    """The rows of docs/results.md, each with the files that it names (`same`: those of the row before)."""
    rows, files = [("claim", "expected", "files", "made by", "`make verify`")], []
    text = read_text(Path("docs/results.md"))
    for line in re.findall(r"^\| (?!claim).*$", text[: text.find("\n## ")], re.MULTILINE):
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) != 3:
            raise BadInput(f"docs/results.md: expected a claim, where, and what to expect, got {line!r}")
        named = [full(name) for name in re.findall(r"`([\w/]+\.(?:csv|json))`", cells[1])]
        files = [*files, *named] if cells[1].startswith("same") else named
        how = {name: maker(name) for name in files}
        rows.append(
            (
                cells[0],
                cells[2],
                ", ".join(f"`{name}`" for name in files),
                ", ".join(dict.fromkeys(f"`{command}`" for command, _ in how.values())),
                ", ".join(dict.fromkeys(check for _, check in how.values())),
            )
        )
    return table(*rows)


def full(name: str) -> str:
    """A file's path; one without a folder is a table of the small profile's."""
    path = name if "/" in name else f"results/small/tables/{name}"
    if not Path(path).is_file():
        raise BadInput(f"docs/results.md: no such file: {path}")
    return path


def maker(path: str) -> tuple[str, str]:
    """What makes a file, and what make verify does with it."""
    if path in ONLY_HASHED:
        return ONLY_HASHED[path], HASH
    command, check = next(of for folder, of in MADE_BY.items() if path.startswith(f"{folder}/"))
    return command, HASH if Path(path).stem in FROM_IMAGES else check


def commands() -> str:
    """Commands with their times, as docs/reproducing.md has them."""
    lines = re.findall(r"^\| `([^`]+)` \| (.*) \| ([^|]+) \| [^|]+ \|$", read_text(Path("docs/reproducing.md")), re.M)
    known = {command: (what, when) for command, what, when in lines}
    peak = max(row["peak_gib"] for row in read_json(Path("bench/results/stages.json"))["rows"])
    memory = dict.fromkeys(("make verify", "make reproduce"), f"{peak:.1f} GiB")
    return table(
        ("command", "what it does", "time", "memory"), *((f"`{c}`", *known[c], memory.get(c, "")) for c in SHOWN)
    )


def licences() -> str:
    """What the cards of the weights say; those without a card are this repository's."""
    rows, none = "", []
    for folder in sorted(p for p in Path("models").iterdir() if p.is_dir() and any(p.rglob("*.safetensors"))):
        card = folder / "README.md"
        found = re.search(r"^license: (\S+)$", read_text(card), re.M) if card.is_file() else None
        if found is None:
            none.append(f"`{folder}`")
            continue
        rows += f"| weights, `{folder}` | {found[1]}, as [its card](../{card}) says |\n"
    return rows + f"| weights, {', '.join(none)} | Apache-2.0 |\n"


def render() -> str:
    return HEAD + BADGES + CLAIMS + claims() + OTHERS + others() + COMMANDS + commands() + LICENCES + licences() + LAST


if __name__ == "__main__":
    print(render(), end="")
