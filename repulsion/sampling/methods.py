"""Methods as data: a row of methods.yaml -> a validated Method. Adding a cell of the grid changes no Python."""

from __future__ import annotations

import math
import runpy
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from repulsion.core.errors import BadInput, one_line, require_one_of, require_unique
from repulsion.core.files import read_yaml, require_id
from repulsion.core.settings import Count, OneOf, Positive, settings, strict
from repulsion.diffusion.levels import NoiseRange
from repulsion.forces.contrast import Contrast
from repulsion.forces.embeddings import NEEDS, SPACES
from repulsion.forces.repulsion import Repulsion
from repulsion.sampling.conditions import Anneal, Driving, Guidance, PromptNoise, Rescaling
from repulsion.sampling.steps import CORRECTIONS, PREDICTIONS

METHODS_FILE = Path(__file__).parents[1] / "data" / "methods.yaml"
MAX_CANDIDATES = 100  # sampled for each image that is kept
CorrectionStep = Annotated[str, OneOf(CORRECTIONS, "correction step")]


@settings
class Correction(NoiseRange):
    """A step at one noise level, before the prediction step of each level of the range."""

    step: CorrectionStep


def first_at(highest: float, sigmas: list[float]) -> int:
    """The first of the noise levels (falling) that is not above `highest`, one of which has to be there."""
    return next(k for k, sigma in enumerate(sigmas) if sigma <= highest)


@settings
class Spread:
    """The "add particles" start: one particle until the first noise level that is not above `sigma`, there copied and
    spread by one correction step."""

    sigma: Positive
    step: CorrectionStep

    def level(self, sigmas: list[float]) -> int:
        return first_at(self.sigma, sigmas)


@settings
class Coupling:
    """Joint starts that sum to zero within groups of `group` particles, in order; null: within the set. A particle then
    starts from its own noise less its group's mean: not from the noise of other methods, and not without its group."""

    group: Annotated[int, Field(ge=2)] | None = None


@settings
class Selection:
    """The best of M: `candidates` times as many particles are sampled, and of them those that lie farthest apart in
    `space` are kept, chosen greedily: of finished latents, or, where `sigma` is given (pruned selection), of those that
    the denoiser predicts at the first noise level that is not above it, from where only what is kept goes on. That
    look costs one evaluation of each candidate."""

    candidates: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)]
    space: Annotated[str, OneOf(SPACES, "space")]
    sigma: Positive | None = None

    def stop(self, sigmas: list[float]) -> int | None:
        """Before which of the noise levels (falling) candidates are looked at; None: after the last."""
        return None if self.sigma is None else first_at(self.sigma, sigmas)


@settings
class Protection:
    """A protected set made on the spot: so many images of the prompt by plain sampling, from starts of their own, the
    same for every particle set. Sampling them is counted."""

    images: Count


@settings
class Method:
    """Which steps at which noise levels. Repulsions add up, and act in every step at a level in their range,
    corrections included. `guidance`, `anneal` and `prompt_noise` change how the denoiser is conditioned, `drive` and
    `rescale` the score before repulsion, `couple` and `contrast` the starts, `select` what is kept; from what `protect`
    makes, repulsions that are `protected` keep away. Raises BadInput for parts that cannot go together."""

    predict: Annotated[str, OneOf(PREDICTIONS, "prediction step")]
    correct: Correction | None = None
    repel: Annotated[tuple[Repulsion, ...], Field(min_length=1)] | None = None
    spread: Spread | None = None
    guidance: Guidance | None = None
    anneal: Anneal | None = None
    select: Selection | None = None
    prompt_noise: PromptNoise | None = None
    rescale: Rescaling | None = None
    drive: Driving | None = None
    couple: Coupling | None = None
    contrast: Contrast | None = None
    protect: Protection | None = None

    def __post_init__(self) -> None:
        if self.contrast and self.spread:
            raise BadInput("contrast: expected no spread beside it, which starts from one particle")
        if self.contrast and self.couple:
            raise BadInput("contrast: expected no couple beside it: starts that move do not sum to zero")
        if self.protect and not self.protects:
            raise BadInput("protect: expected a repulsion that is protected, got none")
        for other in ("spread", "select"):
            if self.couple and getattr(self, other):
                raise BadInput(f"couple: expected no {other} beside it, which breaks the groups up")
        if self.spread and self.select and self.select.sigma is not None:
            raise BadInput("select: sigma: expected none beside spread, which starts from one particle")

    @property
    def spaces(self) -> list[str]:
        """Every space that the method needs."""
        return [r.space for r in self.repel or ()] + ([self.select.space] if self.select else [])

    def needs(self, part: str) -> bool:
        """Whether some space needs this part of a Context: `classifier` or `decode`."""
        return any(NEEDS.get(space) == part for space in self.spaces)

    @property
    def protects(self) -> bool:
        """Whether some repulsion looks at protected latents."""
        return any(r.protected for r in self.repel or ())

    @property
    def through_denoiser(self) -> bool:
        """Whether some force needs a backward pass through the denoiser."""
        return any(r.through_denoiser for r in self.repel or ())

    def levels(self, sigmas: list[float]) -> int:
        """Through how many of these noise levels sets are sampled, those of candidates and of protected images
        included."""
        protected = len(sigmas) if self.protect else 0
        if not self.select:
            return protected + len(sigmas)
        stop = self.select.stop(sigmas)
        candidates = self.select.candidates
        return protected + (candidates * len(sigmas) if stop is None else (candidates - 1) * stop + len(sigmas))

    def require_levels(self, sigmas: list[float]) -> None:
        """Raise BadInput for a part that would act at none of these noise levels (falling, the last 0 left out). At
        sigma = infinity only what conditions the denoiser acts."""
        for where, part in (("guidance", self.guidance), ("prompt_noise", self.prompt_noise)):
            if part:
                part.require_level(sigmas, where)
        parts = {"correct": self.correct, "rescale": self.rescale, "drive": self.drive}
        for where, start in (("spread", self.spread), ("select", self.select)):
            if start and start.sigma is not None:
                parts[where] = NoiseRange(sigma_max=start.sigma)
        parts |= {f"repel[{k}]": repulsion for k, repulsion in enumerate(self.repel or ())}
        for where, part in parts.items():
            if part:
                part.require_level([sigma for sigma in sigmas if math.isfinite(sigma)], where)


PLAIN = Method("euler")


@cache  # what it registers cannot be registered twice
def rows_of_code(path: Path) -> dict[str, Any]:
    """METHODS of a Python file, which may register energies, spaces and inputs of its own; and plain sampling."""
    if not path.is_file():
        raise BadInput(f"no such file: {path}")
    try:
        rows = runpy.run_path(str(path)).get("METHODS")
    except BadInput:
        raise
    except Exception as error:  # whatever a stranger's code does
        raise BadInput(f"{path}: {type(error).__name__}: {one_line(error)}") from None
    if not isinstance(rows, dict) or not rows:
        raise BadInput(f"{path}: expected METHODS, a mapping of method names to rows, got {rows!r}")
    return {"plain": {"predict": "euler"}, **rows}


def read_rows(path: Path) -> dict[str, Any]:
    """The rows of a methods file (YAML, or Python), not yet validated. Raises BadInput for names that cannot be names
    of files."""
    rows = rows_of_code(path) if path.suffix == ".py" else read_yaml(path)
    if not isinstance(rows, dict) or not rows:
        raise BadInput(f"{path}: expected a mapping of method names to rows, got {rows!r}")
    for name in rows:
        if not isinstance(name, str):
            raise BadInput(f"{path}: expected names of methods that are texts, got {name!r}")
        require_id(name, f"{path}: method")
    require_unique(rows, f"{path}: methods")
    return rows


def load_methods(path: Path = METHODS_FILE) -> dict[str, Method]:
    """Every row of a methods file, by name; by default those of the package. Raises BadInput for the first row
    that is not valid."""
    return {name: strict(Method, row, f"{path}: {name}") for name, row in read_rows(path).items()}


def load_method(name: str, path: Path = METHODS_FILE) -> Method:
    """One row of a methods file, by name; the others are not validated."""
    rows = read_rows(path)
    require_one_of(name, rows, "method")
    return strict(Method, rows[name], f"{path}: {name}")
