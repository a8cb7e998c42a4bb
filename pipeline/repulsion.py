"""Repulsion of a set of particles: an energy's gradient, pulled back through an embedding of their latents.

rep_i = J_phi(z_i)^T (1/n) sum_j grad_1 k(phi_i, phi_j), by one vector-Jacobian product for the whole set: particle j's
embedding does not depend on z_i, so that the product gives every particle its own Jacobian at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.embeddings import Embed
from pipeline.energies import BANDWIDTHS, ENERGIES
from pipeline.params import BadInput, require_one_of
from pipeline.steps import Particles


@dataclass(frozen=True)
class Strength:
    """`alpha`: the thesis's raw factor of the force. `relative`: the size of the force as a share of the score's."""

    kind: str
    value: float


@dataclass(frozen=True)
class Repulsion:
    """One cell of the grid: energy x space x input x levels x strength x bandwidth. `levels` are (first, last)."""

    energy: str
    space: str
    input: str
    levels: tuple[int, ...]
    strength: Strength
    bandwidth: str


# What phi sees, and the factor that the chain rule brings: z = g(x, x0, sigma), dz / dx. The predicted x0 counts as
# moving with x one to one: the denoiser is not differentiated.
INPUTS: dict[str, Callable[[Tensor, Tensor, float], tuple[Tensor, float]]] = {
    "noisy": lambda x, x0, sigma: (x, 1.0),
    "scaled": lambda x, x0, sigma: (x * (sigma**2 + 1) ** -0.5, (sigma**2 + 1) ** -0.5),
    "x0": lambda x, x0, sigma: (x0, 1.0),
}

# The factor of the force in the drift, score - factor * rep, from the strength's value, the score and the force.
STRENGTHS: dict[str, Callable[[float, Tensor, Tensor], float]] = {
    "alpha": lambda value, score, rep: value,
    "relative": lambda value, score, rep: value * score.norm().item() / max(rep.norm().item(), 1e-30),
}


def check(repulsion: Repulsion, spaces: dict[str, object]) -> None:
    """Raise BadInput for a name that is in no registry or a negative strength."""
    for kind, name, choices in (
        ("energy", repulsion.energy, ENERGIES),
        ("space", repulsion.space, spaces),
        ("input", repulsion.input, INPUTS),
        ("strength kind", repulsion.strength.kind, STRENGTHS),
        ("bandwidth", repulsion.bandwidth, BANDWIDTHS),
    ):
        require_one_of(name, choices, kind)
    if repulsion.strength.value < 0:
        raise BadInput(f"strength: expected a number that is not negative, got {repulsion.strength.value}")


@torch.enable_grad()
def force(repulsion: Repulsion, embed: Embed, x: Particles, x0: Particles, sigma: float, level: int) -> Particles:
    """rep of every particle, in the units of 1 / x: stepping against it drives the particles apart."""
    z, factor = INPUTS[repulsion.input](x.detach(), x0.detach(), sigma)
    z = z.detach().requires_grad_()
    phi = embed(z, sigma, level)
    gradient = ENERGIES[repulsion.energy](phi.detach(), repulsion.bandwidth)
    (pulled,) = torch.autograd.grad(phi, z, gradient)
    return factor * pulled
