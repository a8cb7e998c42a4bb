"""Contrastive noise optimisation (Kim, Um & Ye 2026): starts whose first predictions differ, found before sampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, normalize

from repulsion.core.settings import Count, Positive, settings
from repulsion.diffusion.levels import Latents


@settings
class Contrast:
    """`iterations` steps against the gradient of the InfoNCE loss of the predictions at the first noise level, averaged
    over `cells` x `cells` cells; a step moves the starts by `step` times their norm, all of the set together. Every
    iteration is one evaluation of the denoiser, with guidance two passes of each particle; gradients do not go through
    the network."""

    iterations: Count
    step: Positive
    cells: Count = 4
    temperature: Annotated[float, Field(gt=0)] = 0.1


def infonce(phi: Float[Tensor, "n d"], anchor: Float[Tensor, "n d"], temperature: float) -> Float[Tensor, ""]:
    """mean_i [-cos(phi_i, anchor_i) / (gamma tau) + log sum_{j != i} exp(cos(phi_i, phi_j) / tau)], with the paper's
    gamma = 1 / (tau ln(n - 1) + 1): apart from each other, and each near where it began."""
    n, unit = len(phi), normalize(phi, dim=1)
    gamma = 1 / (temperature * math.log(max(n - 1, 1)) + 1)
    attraction = (unit * normalize(anchor, dim=1)).sum(1) / (gamma * temperature)
    others = (unit @ unit.T / temperature).masked_fill(torch.eye(n, dtype=torch.bool, device=phi.device), -math.inf)
    return (others.logsumexp(1) - attraction).mean()


def contrasted(start: Latents, predict: Callable[[Tensor], Tensor], contrast: Contrast) -> Latents:
    """Starts after all iterations, each of the norm that it had; predict(start) -> x0. One particle stays."""
    if len(start) < 2:
        return start
    axes = tuple(range(1, start.ndim))
    norms, anchor = start.square().sum(axes, keepdim=True).sqrt(), None
    for _ in range(contrast.iterations):
        with torch.enable_grad():
            x0 = predict(start).detach().requires_grad_()
            phi = adaptive_avg_pool2d(x0, contrast.cells).flatten(1)
            anchor = phi.detach() if anchor is None else anchor
            (gradient,) = torch.autograd.grad(infonce(phi, anchor, contrast.temperature), x0)
        start = start - contrast.step * start.norm() / gradient.norm().clamp(min=1e-30) * gradient
        start = start * norms / start.square().sum(axes, keepdim=True).sqrt()
    return start
