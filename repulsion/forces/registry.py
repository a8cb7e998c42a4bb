"""Energies, spaces and inputs of your own, by name, beside those of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from repulsion.core.errors import BadInput, require_one_of
from repulsion.core.files import require_id
from repulsion.forces.embeddings import SPACES
from repulsion.forces.energies import ENERGIES
from repulsion.forces.inputs import INPUTS, Input

Function = TypeVar("Function", bound=Callable[..., Any])
REGISTRIES: dict[str, dict[str, Any]] = {"energy": ENERGIES, "space": SPACES, "input": INPUTS}


def register(kind: str, name: str, through_denoiser: bool = False) -> Callable[[Function], Function]:
    """A decorator that makes a function known as a method's `energy`, `space` or `input` (`kind`) of this name.

    An energy maps squared distances [n, n] and bandwidths [n, 1] to the weights w [n, n] of
    grad_i = sum_j w_ij (phi_i - phi_j). A space maps a Context to phi(x, sigma, level) -> [n, d], row by row and
    differentiable in x. An input maps (x, x0, sigma) to what phi sees; `through_denoiser` where it lets gradients back
    through x0. Raises BadInput for another kind, a name that cannot be a file's, and one that is taken.
    """
    require_one_of(kind, REGISTRIES, "kind")
    require_id(name, kind)
    registry = REGISTRIES[kind]
    if name in registry:
        raise BadInput(f"{kind}: {name!r} is taken; expected another name than {', '.join(registry)}")

    def registered(function: Function) -> Function:
        registry[name] = Input(function, through_denoiser) if kind == "input" else function
        return function

    return registered
