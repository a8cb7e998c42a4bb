"""Methods as data: a row of methods.yaml -> a validated Method. Adding a cell of the grid changes no Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline.conditions import Anneal, Guidance
from pipeline.embeddings import SPACES
from pipeline.params import BadInput, require_at_least, require_one_of, strict
from pipeline.repulsion import Repulsion, check
from pipeline.steps import CORRECTIONS, PREDICTIONS

METHODS_FILE = Path(__file__).parents[1] / "methods.yaml"


@dataclass(frozen=True)
class Correction:
    """A step at one noise level, before the prediction step of each level in `levels` (first, last)."""

    step: str
    levels: tuple[int, ...]


@dataclass(frozen=True)
class Spread:
    """The "add particles" start: one particle until `level`, there copied and spread by one correction step."""

    level: int
    step: str


@dataclass(frozen=True)
class Selection:
    """The best of M: `candidates` times as many particles are sampled, and of them those that lie farthest apart in
    `space` are kept, chosen greedily."""

    candidates: int
    space: str


@dataclass(frozen=True)
class Method:
    """Which steps at which levels. Repulsions add up, and act in every step at a level in their `levels`, corrections
    included. `guidance` and `anneal` change what the denoiser is asked; `select` what is kept."""

    predict: str
    correct: Correction | None = None
    repel: tuple[Repulsion, ...] | None = None
    spread: Spread | None = None
    guidance: Guidance | None = None
    anneal: Anneal | None = None
    select: Selection | None = None

    @property
    def spaces(self) -> list[str]:
        """Every space that the method needs."""
        return [r.space for r in self.repel or ()] + ([self.select.space] if self.select else [])

    def check(self, levels: int) -> None:
        """Raise BadInput unless every name is known and every level lies in 0 .. levels - 1."""
        require_one_of(self.predict, PREDICTIONS, "prediction step")
        if self.correct:
            require_one_of(self.correct.step, CORRECTIONS, "correction step")
            require_range(self.correct.levels, levels, "correct")
        for repulsion in self.repel or ():
            check(repulsion, SPACES)
            require_range(repulsion.levels, levels, "repel")
        if self.spread:
            require_one_of(self.spread.step, CORRECTIONS, "correction step")
            require_range((self.spread.level, self.spread.level), levels, "spread")
        if self.guidance:
            require_at_least("guidance scale", self.guidance.scale, 1)
            require_range(self.guidance.levels, levels, "guidance")
        if self.select:
            require_at_least("select: candidates", self.select.candidates, 1)
            require_one_of(self.select.space, SPACES, "space")


PLAIN = Method("euler")


def require_range(bounds: tuple[int, ...], levels: int, where: str) -> None:
    if len(bounds) != 2 or not 0 <= bounds[0] <= bounds[1] < levels:
        raise BadInput(f"{where}: levels expected as [first, last] within 0 .. {levels - 1}, got {list(bounds)}")


def within(level: int, bounds: tuple[int, ...]) -> bool:
    return bounds[0] <= level <= bounds[1]


def load_methods(path: Path, levels: int) -> dict[str, Method]:
    """Every row of a methods file, checked against the number of noise levels."""
    if not path.is_file():
        raise BadInput(f"no methods file at {path}")
    rows = yaml.safe_load(path.read_text())
    if not isinstance(rows, dict) or not rows:
        raise BadInput(f"{path}: expected a mapping of method names to rows, got {rows!r}")
    methods = {}
    for name, row in rows.items():
        method = strict(Method, row, f"{path}: {name}")
        try:
            method.check(levels)
        except BadInput as error:
            raise BadInput(f"{path}: {name}: {error}") from None
        methods[name] = method
    return methods


def load_method(name: str, path: Path, levels: int) -> Method:
    """One row of a methods file, by name."""
    methods = load_methods(path, levels)
    require_one_of(name, methods, "method")
    return methods[name]
