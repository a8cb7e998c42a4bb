"""A method inside a sampler of someone else's, which asks only what x0 it should step towards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch

from repulsion.core.errors import BadInput
from repulsion.diffusion.levels import Latents
from repulsion.forces.embeddings import NEEDS, Context, embedding
from repulsion.sampling.methods import PLAIN, Method
from repulsion.sampling.sampler import Hooks, Run

BY_LEVEL = ("random_cnn",)  # spaces that differ from level to level, which a hook does not count


def fits_a_hook(method: Method) -> bool:
    """Whether a row does nothing but repel, in spaces that are the same at every level and need nothing besides x and
    x0."""
    cells = method.repel or ()
    alone = not any(c.through_denoiser or c.protected or c.space in NEEDS or c.space in BY_LEVEL for c in cells)
    return bool(cells) and alone and replace(method, repel=None) == PLAIN


def prediction_hook(method: Method) -> Callable[[Latents, Latents, float], Latents]:
    """(x, x0, sigma) -> x0 - sigma^2 rep for the particles of a batch, x = x0 + sigma eps: a sampler that takes it for
    its prediction steps as ours does. It is x0 itself for one particle, at noise levels at which no cell acts, and at a
    sigma of 0 or infinity.

    Raises BadInput for a row that does not fit a hook.
    """
    if not fits_a_hook(method):
        raise BadInput(
            "method: expected a row that only repels, in spaces that need no classifier, decoder, level or denoiser"
        )
    embeds = [embedding(cell.space, Context(0)) for cell in method.repel]

    @torch.inference_mode(False)  # forces are gradients, also where a caller wants none
    def edited(x: Latents, x0: Latents, sigma: float) -> Latents:
        if len(x) == 1 or not 0 < sigma < math.inf or not any(cell.acts_at(sigma) for cell in method.repel):
            return x0
        x, x0 = x.clone(), x0.clone()  # tensors of inference mode take no gradient
        run = Run(lambda x, sigma: x0, [sigma], method, embeds, Hooks(), None, "prediction hook")
        return x + sigma**2 * run.drift(x, sigma, 0, lambda: torch.randn_like(x))

    return edited
