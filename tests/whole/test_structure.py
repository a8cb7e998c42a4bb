"""The rules of the repository that a machine can check: one direction of imports, declared dependencies, safe loads."""

import ast
import os
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# The order of the data. A file imports from its own folder and from folders above it.
ORDER = [
    "repulsion/core",
    "repulsion/tensors",
    "repulsion/diffusion",
    "repulsion/forces",
    "repulsion/sampling",
    "repulsion/command",
    "pipeline/profile",
    "pipeline/world",
    "pipeline/sets",
    "pipeline/encoders",
    "pipeline/sampling",
    "pipeline/training",
    "pipeline/world_model",
    "pipeline/machine",
    "pipeline/stages",
    "analysis/metrics",
    "analysis/study",
    "analysis/estimates",
    "analysis/paper",
    "analysis/leaderboard",
    "analysis/figures",
    "analysis/stages",
    "analysis/artifact",
    "analysis",
]
PACKAGES = ("repulsion", "pipeline", "analysis")
ENTRIES = 10  # of a folder, at most
LINES = 200  # of a file, about
# Analysis reads what stages wrote; these parts of the other packages need no torch either.
NO_TORCH = ("repulsion/core", "pipeline/profile", "pipeline/sets", "analysis")


def modules() -> list[str]:
    """Every file of the packages, relative to the root, but for __init__ and __main__."""
    found = (p.relative_to(ROOT) for name in PACKAGES for p in (ROOT / name).rglob("*.py"))
    return sorted(str(p) for p in found if p.name not in ("__init__.py", "__main__.py"))


def folder_of(path: str) -> str:
    """The folder of ORDER that a file is in; subfolders belong to theirs."""
    return next(folder for folder in ORDER if path.startswith(folder + "/"))


def file_of(module: str) -> str | None:
    path = Path(*module.split(".")).with_suffix(".py")
    return str(path) if (ROOT / path).is_file() else None


@cache
def parsed(path: str) -> ast.Module:
    """A file's syntax, less what is for type checkers alone."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    kept = [n for n in tree.body if not (isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING")]
    return ast.Module(kept, [])


def names(path: str) -> list[str]:
    """Everything that a file imports, anywhere in it, by dotted names."""
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


@cache
def imports(path: str) -> frozenset[str]:
    """The project's own files that a file imports."""
    return frozenset(filter(None, (file_of(name) for name in names(path) if name.split(".")[0] in PACKAGES)))


def closure(path: str) -> set[str]:
    """Every file of the project that running a file reads as code."""
    todo, found = [path], set()
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += imports(one)
    return found


def test_every_file_is_in_a_folder_of_the_order():
    assert {folder_of(path) for path in modules()} == set(ORDER)


@pytest.mark.parametrize("path", modules())
def test_imports_point_one_way(path):
    place = ORDER.index(folder_of(path))
    for other in imports(path):
        assert ORDER.index(folder_of(other)) <= place, f"{path} imports {other}, whose folder is below its own"


def test_no_imports_go_in_circles():
    TopologicalSorter({path: imports(path) for path in modules()}).prepare()


def test_stages_import_no_stages():
    """Nor does any other file, but for what makes the stages' tables again, to compare."""
    for path in (one for one in modules() if one != "analysis/artifact/recomputed.py"):
        for other in imports(path):
            assert "/stages/" not in other, f"{path} imports the stage {other}"


@pytest.mark.parametrize("path", [p for p in modules() if p.startswith(NO_TORCH)])
def test_what_reads_results_needs_no_torch(path):
    for one in closure(path):
        used = {name.split(".")[0] for name in names(one)}
        assert not {"torch", "diffusers", "transformers"} & used, f"{path} imports {one}"


@pytest.mark.parametrize("stage", ["distances", "tables", "figures", "report"])
def test_the_analysis_does_not_depend_on_the_painter(stage):
    assert not [path for path in closure(f"analysis/stages/{stage}.py") if path.startswith("pipeline/world/")]


def test_the_library_knows_no_pipeline():
    for path in modules():
        if path.startswith("repulsion/"):
            assert not [name for name in names(path) if name.split(".")[0] in ("pipeline", "analysis", "dvc")]


def test_no_file_imports_public_names_of_the_library():
    for path in modules():
        assert not [name for name in names(path) if name in ("repulsion.repel", "repulsion.sample", "repulsion.Method")]


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_and_files_are_small(package):
    for folder, folders, files in os.walk(ROOT / package):
        folders[:] = [name for name in folders if name != "__pycache__"]
        assert len(folders) + len(files) <= ENTRIES, f"{folder} has {len(folders) + len(files)} entries"
    for path in modules():
        length = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        assert length <= 1.15 * LINES, f"{path} has {length} lines"


INITS = [p for name in PACKAGES for p in (ROOT / name).rglob("__init__.py") if p != ROOT / "repulsion" / "__init__.py"]


@pytest.mark.parametrize("path", INITS, ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_hold_a_docstring_alone(path):
    """So that they are no dependency of anything. The library's own also names what is public; no stage uses that."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) and len(tree.body) == 1


# Profiles with a copy of another DVC file: `make copies` makes them, as DVC follows no link in a revision.
COPIES = dict.fromkeys(("ci", "sd2", "sd2_mini", "drawn"), "dvc.yaml")
COPIES |= dict.fromkeys(("peers_sweep", "drawn_sweep"), "profiles/sweep/dvc.yaml")


def dvc_files() -> list[Path]:
    return [ROOT / "dvc.yaml", *(p for p in sorted(ROOT.glob("profiles/*/dvc.yaml")) if p.parent.name not in COPIES)]


def stages() -> list[tuple[str, str, dict]]:
    found = []
    for path in dvc_files():
        for name, stage in yaml.safe_load(path.read_text(encoding="utf-8"))["stages"].items():
            found.append((f"{path.relative_to(ROOT)}:{name}", name, stage))
    return found


def commands(stage: dict) -> list[str]:
    """The files that a stage runs."""
    lines = stage["cmd"] if isinstance(stage["cmd"], list) else [stage["cmd"]]
    return [file_of(line.split("python -m ")[1].split()[0]) for line in lines]


@pytest.mark.parametrize("where,name,stage", stages(), ids=[where for where, _, _ in stages()])
def test_dvc_stages_declare_the_code_that_they_run(where, name, stage):
    """A dependency is a file, or a folder that holds some of the code; none is missing, none too many."""
    real = set().union(*map(closure, commands(stage)))
    declared = [
        d for d in stage["deps"] if d.split("/")[0] in PACKAGES and not d.endswith((".yaml", ".csv", ".md", "/icons"))
    ]
    missing = sorted(p for p in real if not any(p == d or p.startswith(d + "/") for d in declared))
    needless = [d for d in declared if not any(p == d or p.startswith(d + "/") for p in real)]
    assert not missing and not needless, f"missing {missing}, needless {needless}"
    if "drawn" in where and "pipeline/world/drawn/draw.py" in real:  # it reads its icons
        assert any("pipeline/world/drawn/icons".startswith(d) for d in stage["deps"])


@pytest.mark.parametrize("where,name,stage", stages(), ids=[where for where, _, _ in stages()])
def test_stages_are_files_of_their_names(where, name, stage):
    assert all("/stages/" in path for path in commands(stage))
    assert Path(commands(stage)[-1]).stem == name.removesuffix("_flow")
    if name.split("_")[0] in ("measure", "card"):  # the same work on the model of either kind
        assert stage["cmd"].split()[3] == ("flow" if name.endswith("_flow") else "unet")


def stages_of(text: str) -> str:
    """What follows a DVC file's first comment."""
    return text[text.index("stages:\n") :]


def with_parts_of_stable_diffusion_3(name: str) -> str:
    """A DVC file with the parts of a Stable Diffusion 3 folder where it has those of a Stable Diffusion folder."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("${model}/unet", "${model}/transformer")
    for part in ("${model}/text_encoder", "${model}/tokenizer"):
        text = text.replace(f'"{part}"', f'"{part}", "{part}_2"').replace(
            f"- {part}\n", f"- {part}\n      - {part}_2\n"
        )
    return text


def test_profiles_share_one_pipeline():
    """A profile is a params.yaml beside a copy; the long stages have files of their own."""
    for name, of in COPIES.items():
        assert (ROOT / "profiles" / name / "dvc.yaml").read_text() == (ROOT / of).read_text(), "run make copies"
    assert (ROOT / "profiles/flow/dvc.yaml").read_text() == with_parts_of_stable_diffusion_3("dvc.yaml")
    assert stages_of((ROOT / "profiles/flow_sweep/dvc.yaml").read_text()) == stages_of(
        with_parts_of_stable_diffusion_3("profiles/sweep/dvc.yaml")
    )
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) < 220


def test_nothing_is_unpickled():
    for path in modules():
        text = (ROOT / path).read_text(encoding="utf-8")
        text = text.replace('torch.load(weights, map_location="cpu", weights_only=True)', "")
        for word in ("torch.load(", "import pickle", "allow_pickle=True", "yaml.load("):
            assert word not in text, f"{path}: {word}"
