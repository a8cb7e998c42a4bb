"""Repulsion of a set of particles: an energy's gradient, pulled back through an embedding of their latents.

rep_i = J_phi(z_i)^T (1/n) sum_j grad_1 k(phi_i, phi_j), by one vector-Jacobian product for the whole set: particle j's
embedding does not depend on z_i, so that the product gives every particle its own Jacobian at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.core.settings import NotNegative, OneOf, Positive, settings
from repulsion.diffusion.levels import Latents, NoiseRange
from repulsion.forces.embeddings import SPACES, Embed
from repulsion.forces.energies import BANDWIDTHS, ENERGIES, GIVEN, gradient
from repulsion.forces.inputs import INPUTS

# The factor of the force in the drift, score - factor * rep, from the strength's value, the score, the force and sigma.
STRENGTHS: dict[str, Callable[[float, Tensor, Tensor, float], float]] = {
    "alpha": lambda value, score, rep, sigma: value,
    "relative": lambda value, score, rep, sigma: value * score.norm().item() / max(rep.norm().item(), 1e-30),
    "prediction": lambda value, score, rep, sigma: value / sigma**2,
}

CLEAN = ("x0", "denoised")  # inputs without noise
RULES = {**BANDWIDTHS, GIVEN: None}

# From the force and a standard normal draw of its shape. `random` and `shuffled` are controls: a method that does no
# better than they do owes its effect to being disturbed, not to pushing particles apart.
DIRECTIONS: dict[str, Callable[[Tensor, Callable[[], Tensor]], Tensor]] = {
    "apart": lambda rep, draw: rep,
    "random": lambda rep, draw: (noise := draw()) * (rep.norm() / noise.norm()),
    "shuffled": lambda rep, draw: rep.roll(1, 0),  # each particle takes its neighbour's push
}


@settings
class Strength:
    """`alpha`: the thesis's raw factor of the force. `relative`: the size of the force as a share of the score's.
    `prediction`: the predicted x0 moves by the value times the force, at every noise level."""

    kind: Annotated[str, OneOf(STRENGTHS, "strength kind")]
    value: NotNegative


@settings
class Repulsion(NoiseRange):
    """One cell of the grid: energy x space x input x noise range x strength x bandwidth.

    `direction`: `apart`, or a control of the same size in another direction. `unit`: embeddings are divided by their
    norms, so that distances are those of directions. `protected`: particles repel from the protected latents too, as if
    these were particles that stay where they are; they are images without noise, so that the input has to be the
    prediction. Raises BadInput for a name that is in no registry.
    """

    energy: Annotated[str, OneOf(ENERGIES, "energy")]
    space: Annotated[str, OneOf(SPACES, "space")]
    input: Annotated[str, OneOf(INPUTS, "input")]
    strength: Strength
    bandwidth: Annotated[str, OneOf(RULES, "bandwidth")]
    direction: Annotated[str, OneOf(DIRECTIONS, "direction")] = "apart"
    h: Positive | None = None  # a squared length in the space, where the bandwidth is given
    unit: bool = False
    protected: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.bandwidth == GIVEN) != (self.h is not None):
            raise BadInput(f"h: expected a number with bandwidth {GIVEN} and with no other, got {self.h}")
        if self.protected and self.input not in CLEAN:
            raise BadInput(f"protected: expected one of the inputs {', '.join(CLEAN)}, got {self.input}")

    @property
    def through_denoiser(self) -> bool:
        """Whether the force is pulled back through the denoiser."""
        return INPUTS[self.input].through_denoiser


@torch.enable_grad()
def force(
    repulsion: Repulsion,
    embed: Embed,
    x: Latents,
    x0: Latents,
    sigma: float,
    level: int,
    protected: Float[Tensor, "m c h w"] | None = None,
) -> Latents:
    """rep of every particle, in the units of 1 / x: stepping against it drives the particles apart, and away from the
    protected latents where the repulsion looks at these.

    x is a leaf that requires a gradient, and x0 its prediction, with its graph where the input is the denoised one.
    """

    def seen(latents: Tensor) -> Float[Tensor, "n d"]:
        phi = embed(latents, sigma, level)
        return phi / phi.norm(dim=1, keepdim=True).clamp(min=1e-12) if repulsion.unit else phi

    phi = seen(INPUTS[repulsion.input].apply(x, x0, sigma))
    every = phi.detach()
    if repulsion.protected:
        every = torch.cat([every, seen(protected.to(x)).detach()])
    push = gradient(repulsion.energy, repulsion.bandwidth, every, repulsion.h)[: len(phi)]
    (pulled,) = torch.autograd.grad(phi, x, push, retain_graph=repulsion.through_denoiser)
    return pulled
