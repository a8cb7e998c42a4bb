"""The rules of the repository that a machine can check: one direction of imports, declared dependencies, safe loads."""

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
# A file imports only from files above it in this list.
ORDER = [
    "repulsion.core.settings",
    "pipeline.profile.command_line",
    "pipeline.profile.dial_settings",
    "repulsion.tensors.devices",
    "pipeline.profile.training_settings",
    "pipeline.profile.sections",
    "pipeline.profile.profile",
    "pipeline.profile.stage",
    "repulsion.tensors.noise",
    "repulsion.tensors.weights",
    "pipeline.training.loop",
    "repulsion.diffusion.levels",
    "repulsion.tensors.pixels",
    "repulsion.diffusion.model_folder",
    "pipeline.machine.architecture",
    "repulsion.tensors.slices",
    "repulsion.diffusion.model",
    "repulsion.diffusion.denoiser",
    "repulsion.forces.energies",
    "repulsion.forces.style_classifier",
    "repulsion.forces.embeddings",
    "repulsion.sampling.conditions",
    "repulsion.sampling.steps",
    "repulsion.forces.repulsion",
    "repulsion.sampling.methods",
    "repulsion.sampling.sampler",
    "pipeline.machine.cost",
    "repulsion.sampling.particles",
    "repulsion.diffusion.mixture",
    "repulsion.sampling.repel",
    "pipeline.world.subjects",
    "pipeline.world.artists",
    "pipeline.world.silhouettes",
    "pipeline.world.palette",
    "pipeline.world.scene",
    "pipeline.world.render",
    "pipeline.world.captions",
    "pipeline.world_model.tokenizer",
    "pipeline.world_model.artifacts",
    "pipeline.stages.world.pictures",
    "pipeline.encoders.evaluation_encoder",
    "pipeline.encoders.nearest_render",
    "pipeline.stages.world.encoder",
    "pipeline.stages.world.vae",
    "pipeline.world_model.latents",
    "pipeline.stages.world.denoiser",
    "pipeline.world_model.statistics",
    "pipeline.stages.world.measure",
    "pipeline.stages.world.card",
    "pipeline.world_model.paint",
    "pipeline.encoders.feature_spaces",
    "pipeline.sets.feature_sets",
    "pipeline.encoders.encoders",
    "pipeline.profile.prompts",
    "pipeline.machine.downloads",
    "pipeline.machine.requirements",
    "pipeline.machine.stand_in",
    "pipeline.machine.preflight",
    "pipeline.sets.image_sets",
    "pipeline.sampling.shards",
    "pipeline.stages.style_classifier",
    "pipeline.stages.sample",
    "pipeline.stages.reference",
    "pipeline.stages.prompts",
    "pipeline.stages.features",
    "pipeline.stages.sweep",
    "pipeline.stages.dials",
    "pipeline.stages.story",
    "analysis.study.settings",
    "analysis.estimates.intervals",
    "analysis.metrics.samples",
    "analysis.metrics.frechet",
    "analysis.metrics.mmd",
    "analysis.metrics.kid",
    "analysis.metrics.neighbours",
    "analysis.metrics.similarity",
    "analysis.metrics.truth",
    "analysis.metrics.metrics",
    "analysis.study.known_metrics",
    "analysis.study.inputs",
    "analysis.study.rows",
    "analysis.study.results",
    "analysis.validation.dialled",
    "analysis.stages.sensitivity",
    "analysis.stages.sizes",
    "analysis.stages.distances",
    "analysis.estimates.gap",
    "analysis.estimates.estimates",
    "analysis.estimates.quality",
    "analysis.stages.sweep",
    "analysis.paper.style",
    "analysis.paper.printing",
    "analysis.estimates.marks",
    "analysis.estimates.efficiency",
    "analysis.estimates.control",
    "analysis.estimates.findings",
    "analysis.stages.tables",
    "analysis.paper.pictures",
    "analysis.figures.images.contact_sheets",
    "analysis.figures.results.distance_bars",
    "analysis.figures.images.pairs",
    "analysis.figures.results.pairwise_distances",
    "analysis.figures.sampling.forces",
    "analysis.figures.sampling.story",
    "analysis.figures.sampling.classifier_accuracy",
    "analysis.figures.results.factors",
    "analysis.figures.results.front",
    "analysis.figures.results.first_images",
    "analysis.figures.results.dials",
    "analysis.stages.figures",
    "analysis.paper.page",
    "analysis.paper.paper",
    "analysis.stages.report",
    "analysis.check",
]


# Imported inside a function that analysis does not call.
LAZY = {"repulsion/tensors/devices.py": {"torch"}}


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
    files = [ROOT / name for name in ("dvc.yaml", "profiles/world/dvc.yaml", "profiles/validation/dvc.yaml")]
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
