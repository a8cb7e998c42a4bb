"""Energies, spaces and inputs of your own, by name, beside those of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from repulsion.core.errors import BadInput, require_one_of
from repulsion.core.files import require_id
from repulsion.forces.embeddings import NEEDS, SPACES
from repulsion.forces.energies import ENERGIES
from repulsion.forces.inputs import INPUTS, Input

Function = TypeVar("Function", bound=Callable[..., Any])
REGISTRIES: dict[str, dict[str, Any]] = {"energy": ENERGIES, "space": SPACES, "input": INPUTS}


def register(
    kind: str, name: str, through_denoiser: bool = False, needs: str | None = None
) -> Callable[[Function], Function]:
    """A decorator that makes a function known as a method's `energy`, `space` or `input` (`kind`) of this name.

    An energy maps squared distances [n, n] and bandwidths [n, 1] to the weights w [n, n] of
    grad_i = sum_j w_ij (phi_i - phi_j). A space maps a Context to phi(x, sigma, level) -> [n, d], row by row and
    differentiable in x; `needs`: `classifier` or `decode`, where it uses that part of its Context. An input maps
    (x, x0, sigma) to what phi sees; `through_denoiser` where it lets gradients through x0. A name is known in this
    process alone. Raises BadInput for another kind, a name that cannot be a file's, and one that is taken.
    """
    require_one_of(kind, REGISTRIES, "kind")
    if through_denoiser and kind != "input":
        raise BadInput(f"{kind} {name!r}: through_denoiser is of inputs; expected False")
    if needs is not None:
        require_one_of(kind, ("space",), "kind that needs a part of a Context:")
        require_one_of(needs, ("classifier", "decode"), "part of a Context")
    require_id(name, kind)
    registry = REGISTRIES[kind]
    if name in registry:
        raise BadInput(f"{kind}: {name!r} is taken; expected another name than {', '.join(registry)}")

    def registered(function: Function) -> Function:
        registry[name] = Input(function, through_denoiser) if kind == "input" else function
        if needs:
            NEEDS[name] = needs
        return function

    return registered
