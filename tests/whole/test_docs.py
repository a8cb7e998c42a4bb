"""README and docs: blocks run as written, commands are run by a test or named as not run, links lead somewhere."""

import csv
import re

import pytest
from end_to_end import ROOT
from pages import PAGES, blocks, text

from analysis.estimates.estimates import GAIN_SPACES as SPACES
from pipeline.profile.executor import Executor
from repulsion.core.settings import load
from repulsion.forces.registry import REGISTRIES
from repulsion.sampling.methods import load_methods

CARDS = [f"models/{name}/README.md" for name in ("painted-world", "painted-world-flow")]
TABLES = ROOT / "results" / "small" / "tables"
CARRY_OVER, BOARD = ROOT / "results" / "carry_over", ROOT / "results" / "leaderboard"
PEERS_SWEEP = ROOT / "results" / "peers_sweep"


def test_python_blocks_run_in_order(monkeypatch, capsys):
    """The README's, then those of docs/extending.md, which go on from it."""
    monkeypatch.chdir(ROOT)
    found, names = [*blocks("README.md", "python"), *blocks("docs/extending.md", "python")], {}
    assert len(found) == 4 and not [p for p in PAGES[1:] if p != "docs/extending.md" and blocks(p, "python")]
    before = {kind: dict(registry) for kind, registry in REGISTRIES.items()}
    try:
        exec(found[0], names)
        assert names["images"].shape == (16, 3, 64, 64)
        exec(found[1], names)
        assert names["images"].shape == (4, 3, 64, 64)
        exec(found[2], names)
        lines = [line for line in found[2].splitlines() if line]
        assert len(lines) <= 20 and len(names["METHODS"]) == 5 and "laplace_kernel" in REGISTRIES["energy"]
        exec(found[3], names)
    finally:
        for kind, registry in REGISTRIES.items():
            registry.clear()
            registry.update(before[kind])
    assert capsys.readouterr().out.count("'") == 2 * 16  # sixteen names


@pytest.mark.parametrize("page", PAGES)
def test_yaml_blocks_are_methods_or_an_executor(page, tmp_path):
    for block in blocks(page, "yaml"):
        if page == "docs/cluster.md":
            (tmp_path / "executor.yaml").write_text(block, encoding="utf-8")
            assert load(Executor, tmp_path / "executor.yaml").kind == "slurm"
            continue
        (tmp_path / "methods.yaml").write_text(block, encoding="utf-8")
        assert load_methods(tmp_path / "methods.yaml")


# Commands of `sh` blocks, less their arguments, and the test that runs them.
TESTED = {
    "repulsion sample": "test_command.py",
    "repulsion methods": "test_package.py",
    "pipeline.world_model.paint": "test_paint.py",
    "make preflight": "test_preflight.py",
    "dvc remote add": "test_storage.py",
    "dvc push": "test_storage.py",
    "dvc pull": "test_storage.py",
}


def commands() -> list[str]:
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines() if line]
    return sorted({*lines, *re.findall(r"`(make [a-z0-9-]+(?: PROFILE=\w+)?)`", "".join(map(text, PAGES)))})


@pytest.mark.parametrize("command", commands())
def test_commands_are_run_or_named_as_not_run(command):
    """By CI, by a test, or not at all, which docs/reproducing.md says, with the reason."""
    rows = dict(re.findall(r"^\| `([^`]+)` \|.*\| ([^|]+) \|$", text("docs/reproducing.md"), re.MULTILINE))
    assert all(how == "CI" or how == "tests" or how.startswith("not run: ") for how in rows.values())
    if rows.get(command) == "CI":
        assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace(" --no-print-directory", "")
    elif rows.get(command, "").startswith("not run: "):
        assert len(rows[command]) > len("not run: ") + 5
    else:
        file = next(file for part, file in TESTED.items() if part in command)
        assert list((ROOT / "tests").rglob(file))


@pytest.mark.parametrize("page", [*PAGES, *CARDS, "report/sd2.md"])
def test_links_lead_somewhere(page):
    for link, anchor in re.findall(r"\]\(([^)#:]*)(#[^)]+)?\)", text(page)):
        target = (ROOT / page).parent / link if link else ROOT / page
        assert target.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*PAGES, *CARDS])
def test_no_placeholder_is_left(page):
    prose = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
    assert not re.findall(r"\| \{[a-z]+\}|\{[a-z]+\} \||@@[A-Z_]+@@", prose)


def test_the_readme_is_read_in_one_sitting():
    lines = text("README.md").splitlines()
    assert len(lines) <= 180 and not [line for line in lines if len(line) > 120]


@pytest.mark.parametrize("page", PAGES)
def test_prose_is_in_short_lines(page):
    prose = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
    assert not [line for line in prose.splitlines() if len(line) > 120 and not line.startswith("|")]


def cells(name: str) -> dict[str, dict[str, str]]:
    folder = next(f for f in (TABLES, CARRY_OVER, BOARD) if (f / f"{name}.shown.csv").is_file())
    with (folder / f"{name}.shown.csv").open(newline="", encoding="utf-8") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file)}


def first_number(cell: str) -> float:
    return float(cell.split()[0])


def test_the_readme_s_table_is_the_results():
    """Every number of the main result, from the tables in git."""
    gap, truth, cost = cells("gap_closed_mmd"), cells("truth"), cells("cost")
    rows = re.findall(r"^\| ([a-z ]+) \| ([^a-z]+) \|$", text("README.md"), re.MULTILINE)
    assert len(rows) == 8
    for name, numbers in rows:
        general, location, style, artists, passes = numbers.split(" | ")
        for shown, space in ((general, "general"), (location, "location"), (style, "style")):
            assert shown == f"{first_number(gap[name][space]):.2f}" or (shown == "0" and name == "plain")
        assert artists == truth[name]["effective artists"].split()[0]
        backward = first_number(cost[name]["backward passes"])
        assert passes == f"{first_number(cost[name]['denoiser passes']):g}" + (f" + {backward:g}" if backward else "")


def test_the_readme_s_leaderboard_is_the_board():
    """Every number, of the first model's rows."""
    with (BOARD / "leaderboard.shown.csv").open(newline="", encoding="utf-8") as file:
        board = {row["method"]: row for row in csv.DictReader(file) if row["model"] == "U-Net"}
    rows = re.findall(r"^\| ([a-z ]+) \| ([\d-]+) \| (.+) \| (artist|nothing) \|$", text("README.md"), re.MULTILINE)
    assert len(rows) == 11
    for name, rank, numbers, knows in rows:
        gain, location, artists, passes = numbers.split(" | ")
        row = board[name]
        assert (rank, knows.replace("nothing", "-")) == (row["rank"], row["knows labels"])
        assert gain == f"{first_number(row['gain']):.2f}" and location == f"{first_number(row['gap location']):.2f}"
        assert artists == row["effective artists"].split()[0]
        assert passes == f"{first_number(row['passes with backward']):.2f}"


def test_the_readme_says_what_carries_over():
    order, prose = cells("order"), " ".join(text("README.md").split())
    shown = [f"{first_number(order[f'{space}: U-Net, flow transformer']['rank correlation']):.2f}" for space in SPACES]
    assert "Spearman {} in general, {} in location, {} in style".format(*shown) in prose


def test_the_readme_has_a_row_for_every_claim():
    """Its verdict on every model."""
    claims = cells("claims")
    end = ": verdict"
    models = [column.removesuffix(end) for column in next(iter(claims.values())) if column.endswith(end)]
    head, _, *rows = re.search(r"^\| claim \|.*?\n\n", text("README.md"), re.M | re.S)[0].strip().splitlines()
    expected = [["claim", *models], *([name, *(row[m + end] for m in models)] for name, row in claims.items())]
    assert [head, *rows] == [f"| {' | '.join(row)} |" for row in expected]


def test_claims_are_the_results():
    """Every number before an interval in docs/results.md is in the table that is named there, in some cell."""
    files: list[str] = []
    for line in text("docs/results.md").splitlines():
        if not line.startswith("|"):
            continue
        named = re.findall(r"`(?:results/(?:carry_over|leaderboard|peers_sweep)/)?(\w+)\.csv`", line)
        files = [*files, *named] if "| same" in line else named  # the file of the row above, and others
        known = {rounded(measured) for name in files for measured in intervals(name)}
        for number in re.findall(r"-?[\d.]+ \[[^\]]+\]", line):
            assert rounded(number) in known or negative(number) in known, number


def intervals(name: str) -> list[str]:
    """Every value of a table with its interval, as measured: what is printed is rounded already."""
    folder = next(f for f in (TABLES, CARRY_OVER, BOARD, PEERS_SWEEP) if (f / f"{name}.csv").is_file())
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ends = [column.removesuffix(" low") for column in rows[0] if column.endswith(" low")]
    found = [[row[column], row[f"{column} low"], row[f"{column} high"]] for row in rows for column in ends]
    return [" ".join(f"{float(v):.10f}" for v in numbers) for numbers in found if all(numbers)]


def rounded(cell: str) -> tuple[float, ...]:
    """A value and its interval, to two digits after the point (three below 0.1)."""
    values = [float(v) for v in re.findall(r"-?[\d.]+", cell)]
    digits = 3 if max(map(abs, values)) < 0.05 else 2 if max(map(abs, values)) < 10 else 1
    return tuple(round(v, digits) for v in values)


def negative(cell: str) -> tuple[float, ...]:
    value, low, high = rounded(cell)
    return (-value, -high, -low)
