"""The rules of the repository that a machine can check: one direction of imports, declared dependencies, safe loads."""

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
# A file imports only from files above it in this list.
ORDER = [
    "pipeline.params",
    "pipeline.command_line",
    "pipeline.dial_settings",
    "pipeline.devices",
    "pipeline.training_settings",
    "pipeline.sections",
    "pipeline.profile",
    "pipeline.stage",
    "pipeline.noise",
    "pipeline.weights",
    "pipeline.training",
    "pipeline.levels",
    "pipeline.pixels",
    "pipeline.model_folder",
    "pipeline.architecture",
    "pipeline.microbatch",
    "pipeline.model",
    "pipeline.denoiser",
    "pipeline.energies",
    "pipeline.classifier",
    "pipeline.embeddings",
    "pipeline.conditions",
    "pipeline.steps",
    "pipeline.repulsion",
    "pipeline.methods",
    "pipeline.sampler",
    "pipeline.cost",
    "pipeline.particles",
    "pipeline.mixture",
    "pipeline.repel",
    "pipeline.world.subjects",
    "pipeline.world.artists",
    "pipeline.world.distances",
    "pipeline.world.palette",
    "pipeline.world.scene",
    "pipeline.world.render",
    "pipeline.world.captions",
    "pipeline.world.tokenizer",
    "pipeline.world.artifacts",
    "pipeline.world.pictures",
    "pipeline.world.evaluation_encoder",
    "pipeline.world.nearest_render",
    "pipeline.world.train_encoder",
    "pipeline.world.train_vae",
    "pipeline.world.latents",
    "pipeline.world.train_denoiser",
    "pipeline.world.statistics",
    "pipeline.world.measure",
    "pipeline.world.card",
    "pipeline.world.paint",
    "pipeline.feature_spaces",
    "pipeline.feature_sets",
    "pipeline.encoders",
    "pipeline.prompts",
    "pipeline.downloads",
    "pipeline.checks",
    "pipeline.stand_in",
    "pipeline.preflight",
    "pipeline.image_sets",
    "pipeline.shards",
    "pipeline.trajectories",
    "pipeline.generate",
    "pipeline.reference",
    "pipeline.prepare",
    "pipeline.features",
    "pipeline.sweep",
    "pipeline.dials",
    "pipeline.story",
    "analysis.settings",
    "analysis.intervals",
    "analysis.samples",
    "analysis.frechet",
    "analysis.mmd",
    "analysis.kid",
    "analysis.neighbours",
    "analysis.similarity",
    "analysis.truth",
    "analysis.metrics",
    "analysis.door",
    "analysis.inputs",
    "analysis.rows",
    "analysis.results",
    "analysis.validation.measure",
    "analysis.validation.sensitivity",
    "analysis.validation.sizes",
    "analysis.distances",
    "analysis.gap",
    "analysis.estimates",
    "analysis.quality",
    "analysis.sweep",
    "analysis.style",
    "analysis.printing",
    "analysis.marks",
    "analysis.efficiency",
    "analysis.control",
    "analysis.findings",
    "analysis.tables",
    "analysis.pictures",
    "analysis.figures.contact_sheets",
    "analysis.figures.distance_bars",
    "analysis.figures.pairs",
    "analysis.figures.pairwise_distances",
    "analysis.figures.forces",
    "analysis.figures.story",
    "analysis.figures.classifier_accuracy",
    "analysis.figures.factors",
    "analysis.figures.front",
    "analysis.figures.first_images",
    "analysis.figures.dials",
    "analysis.draw",
    "analysis.page",
    "analysis.paper",
    "analysis.report",
    "analysis.check",
]


# Imported inside a function that analysis does not call.
LAZY = {"pipeline/devices.py": {"torch"}}


def module_path(module: str) -> Path:
    path = ROOT / Path(*module.split("."))
    package = path / "__init__.py"
    return package if package.is_file() else path.with_suffix(".py")


def imported_packages(path: Path) -> set[str]:
    """Top-level names of everything that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in names}


def imports(path: Path) -> set[str]:
    """The project's own modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {n for n in names if n.split(".")[0] in ("pipeline", "analysis") and module_path(n).is_file()}
    return found


def closure(module: str) -> set[str]:
    """Every file that running a module reads as code, package __init__ files included, relative to the root."""
    todo, files = [module], set()
    while todo:
        name = todo.pop()
        path = module_path(name)
        if (relative := str(path.relative_to(ROOT))) in files:
            continue
        files.add(relative)
        parents = [name.rsplit(".", k)[0] for k in range(1, name.count(".") + 1)]
        todo += [*imports(path), *parents]
    return files


def test_every_file_has_its_place_in_the_order():
    files = {p for folder in ("pipeline", "analysis") for p in (ROOT / folder).rglob("*.py") if p.name != "__init__.py"}
    assert files == {module_path(m) for m in ORDER}


@pytest.mark.parametrize("module", [m for m in ORDER if m.startswith("analysis")])
def test_analysis_needs_no_torch(module):
    for path in closure(module):
        names = imported_packages(ROOT / path) - LAZY.get(path, set())
        assert not {"torch", "diffusers", "transformers"} & names, f"{module} imports {path}, which imports {names}"


@pytest.mark.parametrize("module", ORDER)
def test_imports_point_one_way(module):
    above = ORDER[: ORDER.index(module)]
    for name in imports(module_path(module)):
        assert name in above or module_path(name).name == "__init__.py", f"{module} imports {name}, which is below it"


def stages() -> list[tuple[str, dict]]:
    files = [ROOT / name for name in ("dvc.yaml", "pipeline/world/dvc.yaml", "analysis/validation/dvc.yaml")]
    files.append(ROOT / "profiles" / "sweep" / "dvc.yaml")
    return [
        (f"{p.relative_to(ROOT)}:{name}", stage)
        for p in files
        for name, stage in yaml.safe_load(p.read_text())["stages"].items()
    ]


@pytest.mark.parametrize("name,stage", stages(), ids=[name for name, _ in stages()])
def test_dvc_stages_declare_what_they_import(name, stage):
    commands = stage["cmd"] if isinstance(stage["cmd"], list) else [stage["cmd"]]
    modules = [command.split("python -m ")[1].split()[0] for command in commands]
    assert set().union(*map(closure, modules)) == {d for d in stage["deps"] if d.endswith(".py")}


def test_nothing_is_unpickled():
    for path in (ROOT / "pipeline").rglob("*.py"):
        text = path.read_text().replace('torch.load(weights, map_location="cpu", weights_only=True)', "")
        for word in ("torch.load(", "import pickle", "allow_pickle=True", "yaml.load("):
            assert word not in text, f"{path}: {word}"
