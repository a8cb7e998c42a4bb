"""`make artifact`: docs/artifact.md, of the results, tables and cards in git; a test compares the two."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from string import Template

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

TEMPLATE = Path(__file__).with_suffix(".md")
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
WITHOUT_CARD = {
    "style-classifier": "Apache-2.0: trained on images of `models/painted-world`",
    "style-classifier-flow": "Apache-2.0: trained on images of `models/painted-world-flow`",
    "drawn-world": "as the icons below, of which its training pictures are made; it has no card yet",
}
SHOWN = (
    *("make verify", "make archive", "make reproduce", "make reproduce PROFILE=flow", "make carry-over", "make peers"),
    *("make leaderboard", "make sweep", "make validate", "make test"),
)


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


def known_commands() -> dict[str, tuple[str, str, str]]:
    """What commands do and how long they take, as docs/reproducing.md has it; and their memory, where it was
    measured."""
    lines = re.findall(r"^\| `([^`]+)` \| (.*) \| ([^|]+) \| [^|]+ \|$", read_text(Path("docs/reproducing.md")), re.M)
    peak = max(row["peak_gib"] for row in read_json(Path("bench/results/stages.json"))["rows"])
    memory = {"make reproduce": f"{peak:.1f} GiB"}
    return {command: (what, when, memory.get(command, "")) for command, what, when in lines}


def commands() -> str:
    known = known_commands()
    return table(("command", "what it does", "time", "memory"), *((f"`{c}`", *known[c]) for c in SHOWN))


def columns() -> str:
    """Of each model's column of the claims: the results that it is taken of, what makes them, how long that takes."""
    known, rows = known_commands(), [("column", "taken of", "made by", "time", "memory")]
    for model, path in read_carry_over().profiles.items():
        study = read_profile(Path(path), Study)
        command = "make reproduce" if not study.here else f"make reproduce PROFILE={study.profile}"
        rows.append((model, f"`{study.results}/distances`", f"`{command}`", *known[command][1:]))
    rows.append(("row made again", "`expected.csv`", "`make verify`", *known["make verify"][1:]))
    return table(*rows)


def licences() -> str:
    """What the cards of the weights say, or WITHOUT_CARD. Raises BadInput for weights that neither knows."""
    rows = ""
    for folder in sorted(p for p in Path("models").iterdir() if p.is_dir() and any(p.rglob("*.safetensors"))):
        card = folder / "README.md"
        found = re.search(r"^license: (\S+)$", read_text(card), re.M) if card.is_file() else None
        if found is None and folder.name not in WITHOUT_CARD:
            raise BadInput(f"{card}: expected a card with a license, got none")
        said = f"{found[1]}, as [its card](../{card}) says" if found else WITHOUT_CARD[folder.name]
        rows += f"| weights, `{folder}` | {said} |\n"
    return rows


def render() -> str:
    parts = {"claims": claims(), "columns": columns(), "others": others(), "commands": commands()}
    parts |= {"licences": licences()}
    return Template(read_text(TEMPLATE)).substitute(parts)


if __name__ == "__main__":
    print(render(), end="")
