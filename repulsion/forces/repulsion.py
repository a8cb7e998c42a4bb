"""Repulsion of a set of particles: an energy's gradient, pulled back through an embedding of their latents.

rep_i = J_phi(z_i)^T (1/n) sum_j grad_1 k(phi_i, phi_j), by one vector-Jacobian product for the whole set: particle j's
embedding does not depend on z_i, so that the product gives every particle its own Jacobian at once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from repulsion.core.settings import NotNegative, require_one_of, settings
from repulsion.diffusion.levels import NoiseRange
from repulsion.forces.embeddings import SPACES, Embed
from repulsion.forces.energies import BANDWIDTHS, ENERGIES, gradient
from repulsion.sampling.steps import Particles

# What phi sees, as a function of x: x itself; x as the UNet sees it; the predicted x0, taken to move with x one to one;
# the predicted x0 as it does move with x, for which the denoiser is differentiated (one backward pass more).
INPUTS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "noisy": lambda x, x0, sigma: x,
    "scaled": lambda x, x0, sigma: x * (sigma**2 + 1) ** -0.5,
    "x0": lambda x, x0, sigma: x0.detach() + (x - x.detach()),
    "denoised": lambda x, x0, sigma: x0,
}
THROUGH_DENOISER = ("denoised",)

# The factor of the force in the drift, score - factor * rep, from the strength's value, the score and the force.
STRENGTHS: dict[str, Callable[[float, Tensor, Tensor], float]] = {
    "alpha": lambda value, score, rep: value,
    "relative": lambda value, score, rep: value * score.norm().item() / max(rep.norm().item(), 1e-30),
}

# From the force and a standard normal draw of its shape. `random` and `shuffled` are controls: a method that does no
# better than they do owes its effect to being disturbed, not to pushing particles apart.
DIRECTIONS: dict[str, Callable[[Tensor, Callable[[], Tensor]], Tensor]] = {
    "apart": lambda rep, draw: rep,
    "random": lambda rep, draw: (noise := draw()) * (rep.norm() / noise.norm()),
    "shuffled": lambda rep, draw: rep.roll(1, 0),  # each particle takes its neighbour's push
}


@settings
class Strength:
    """`alpha`: the thesis's raw factor of the force. `relative`: the size of the force as a share of the score's."""

    kind: str
    value: NotNegative

    def __post_init__(self) -> None:
        require_one_of(self.kind, STRENGTHS, "strength kind")


@settings
class Repulsion(NoiseRange):
    """One cell of the grid: energy x space x input x noise range x strength x bandwidth.

    `direction`: `apart`, or a control of the same size in another direction.
    """

    energy: str
    space: str
    input: str
    strength: Strength
    bandwidth: str
    direction: str = "apart"

    def __post_init__(self) -> None:
        """Raise BadInput for a name that is in no registry."""
        super().__post_init__()
        for name, choices in (
            ("energy", ENERGIES),
            ("space", SPACES),
            ("input", INPUTS),
            ("bandwidth", BANDWIDTHS),
            ("direction", DIRECTIONS),
        ):
            require_one_of(getattr(self, name), choices, name)


@torch.enable_grad()
def force(repulsion: Repulsion, embed: Embed, x: Particles, x0: Particles, sigma: float, level: int) -> Particles:
    """rep of every particle, in the units of 1 / x: stepping against it drives the particles apart.

    x is a leaf that requires a gradient, and x0 its prediction, with its graph where the input is the denoised one.
    """
    phi = embed(INPUTS[repulsion.input](x, x0, sigma), sigma, level)
    push = gradient(repulsion.energy, repulsion.bandwidth, phi.detach())
    (pulled,) = torch.autograd.grad(phi, x, push, retain_graph=repulsion.input in THROUGH_DENOISER)
    return pulled
