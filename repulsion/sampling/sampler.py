"""The loop over noise levels. It knows no prompt and no model, only denoise(x, sigma) -> x0.

x is variance-exploding, x = x0 + sigma eps, [n, *shape]: one row for each particle of one set. A flow begins at sigma =
infinity, where x stands for eps; its first step is x0 + sigma_next eps in every row (an Euler step, exactly), without
repulsion or correction: a force of any strength relative to the score would be infinite there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.diffusion.levels import Latents
from repulsion.forces.contrast import contrasted
from repulsion.forces.embeddings import Context, Embed, embedding
from repulsion.forces.repulsion import DIRECTIONS, STRENGTHS, force
from repulsion.sampling.conditions import driven
from repulsion.sampling.methods import Method
from repulsion.sampling.steps import CORRECTIONS, PREDICTIONS, Draw, Step
from repulsion.tensors.noise import coupled

Denoise = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Hooks:
    """Functions of a caller's own in the loop: to record, or to edit. Those of the condition and the guidance scale are
    the Denoiser's.

    edit_latent(x, sigma, level) -> x as a level begins (at sigma = infinity x is eps); edit_x0(x, x0, sigma, level) ->
    x0 at every evaluation; after_level(x, levels) as a level ends, with the number of levels that are done.
    """

    edit_latent: Callable[[Tensor, float, int], Tensor] | None = None
    edit_x0: Callable[[Tensor, Tensor, float, int], Tensor] | None = None
    after_level: Callable[[Tensor, int], None] | None = None


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation of the drift saw: norms over the whole set, of the score and of the repulsion added to it."""

    level: int
    sigma: float
    score_norm: float
    repulsion_norm: float


@dataclass(frozen=True)
class Run:
    """One set of particles being sampled: what its drift is made of. `sigmas` are the levels' (floats, the last 0 left
    out); `name` (method, prompt) is what errors call it."""

    denoise: Denoise
    sigmas: list[float]
    method: Method
    embeds: list[Embed]
    hooks: Hooks
    observe: Callable[[Evaluation], None] | None
    name: str
    protected: Tensor | None = None

    def drift(self, x: Latents, sigma: float, level: int, draw: Draw) -> Latents:
        """The score (x0 - x) / sigma^2, driven by the neighbours' and rescaled where the method says so, less the
        repulsions of this level; `draw` is noise, for the control."""
        # by the level's sigma: a step of second order evaluates the drift at the next one, too
        cells = zip(self.method.repel or (), self.embeds, strict=True)
        active = [(r, e) for r, e in cells if r.acts_at(self.sigmas[level])]
        if len(x) == 1:  # without neighbours
            active = [(r, e) for r, e in active if r.protected]
        through = any(r.through_denoiser for r, _ in active)
        leaf = x.detach().requires_grad_(bool(active))
        with torch.set_grad_enabled(through):
            x0 = self.denoise(leaf, sigma)
            if self.hooks.edit_x0:
                x0 = self.hooks.edit_x0(leaf, x0, sigma, level)
        score = (x0.detach() - x) / sigma**2
        if (drive := self.method.drive) and drive.acts_at(self.sigmas[level]):
            score = driven(score, x, drive)
        if (rescale := self.method.rescale) and rescale.acts_at(self.sigmas[level]):
            score *= rescale.factor(sigma)
        total = torch.zeros_like(score)
        for repulsion, embed in active:
            rep = force(repulsion, embed, leaf, x0, sigma, level, self.protected)
            rep = DIRECTIONS[repulsion.direction](rep, draw)
            total += STRENGTHS[repulsion.strength.kind](repulsion.strength.value, score, rep, sigma) * rep
        if active and self.observe:
            self.observe(Evaluation(level, sigma, score.norm().item(), total.norm().item()))
        return score - total


@torch.inference_mode(False)  # forces are gradients, also where a caller wants none
@torch.no_grad()
def sample(
    denoise: Denoise,
    sigmas: Float[Tensor, " sigmas"],
    method: Method,
    noise: Callable[[str], Latents],
    context: Context,
    name: str,
    hooks: Hooks | None = None,
    observe: Callable[[Evaluation], None] | None = None,
    resume: tuple[Latents, int] | None = None,
    stop: int | None = None,
) -> Latents:
    """The particles at sigma 0, after every level of `sigmas`, or at the level `stop`; from x after so many levels
    where `resume` gives both.

    noise(purpose) draws a standard normal for every particle of the set: "start", then one purpose for each step that
    needs noise, so that a draw depends on the particle and the step and on nothing else. Raises BadInput for a method
    that does not fit the levels or the context, and FloatingPointError that names set, particle and level for a value
    that is not finite.
    """
    method.require_levels(sigmas[:-1].tolist())
    embeds = [embedding(r.space, context) for r in method.repel or ()]
    if method.protects and context.protected is None:
        raise BadInput(f"{name}: a repulsion from protected latents needs some, and none were given")
    run = Run(denoise, sigmas[:-1].tolist(), method, embeds, hooks or Hooks(), observe, name, context.protected)
    start = noise("start")
    if len(start) < 1:
        raise BadInput(f"{name}: expected at least one particle, got none")
    if method.couple:
        start = coupled(start, method.couple.group)
    if method.contrast and not resume:
        start = contrasted(start, lambda z: denoise(noised(z, sigmas[0].item()), sigmas[0].item()), method.contrast)
    first = start[:1] if method.spread else start
    x, done = resume or (noised(first, sigmas[0].item()), 0)
    for level, (sigma, sigma_next) in enumerate(pairwise(sigmas.tolist())):
        if level < done or (stop is not None and level >= stop):
            continue
        x = at_level(run, x, len(start), level, sigma, sigma_next, noise)
        require_finite(x, name, level, sigma)
        if run.hooks.after_level:
            run.hooks.after_level(x, level + 1)
    return x


def noised(start: Latents, sigma: float) -> Latents:
    """x at the first noise level; at sigma = infinity x stands for eps."""
    return start if math.isinf(sigma) else start * sigma


def at_level(
    run: Run, x: Latents, n: int, level: int, sigma: float, sigma_next: float, noise: Callable[[str], Latents]
) -> Float[Tensor, " m *shape"]:
    """From sigma to sigma_next: the edit of the latent, the spread, the correction and the prediction of this level."""
    method = run.method
    spread_here = method.spread is not None and level == method.spread.level(run.sigmas)

    def drift(x: Latents, sigma: float) -> Latents:
        return run.drift(x, sigma, level, lambda: noise(f"control {level}")[: len(x)])

    def step(steps: dict[str, Step], name: str, purpose: str) -> Latents:
        return steps[name](x, sigma, sigma_next, drift, lambda: noise(f"{purpose} {level}")[: len(x)])

    if run.hooks.edit_latent:
        x = run.hooks.edit_latent(x, sigma, level)
    if math.isinf(sigma):
        x0 = run.denoise(x, sigma)
        return (run.hooks.edit_x0(x, x0, sigma, level) if run.hooks.edit_x0 else x0) + sigma_next * x
    if spread_here:
        x = x.expand(n, *x.shape[1:]).clone()
        x = step(CORRECTIONS, method.spread.step, "spread")
    if method.correct and method.correct.acts_at(sigma):
        x = step(CORRECTIONS, method.correct.step, "correct")
    return step(PREDICTIONS, method.predict, "predict")


def require_finite(x: Latents, name: str, level: int, sigma: float) -> None:
    bad = (~torch.isfinite(x)).flatten(1).any(1).nonzero().flatten().tolist()
    if bad:
        raise FloatingPointError(f"{name}: particle {bad[0]} is not finite after level {level} (sigma {sigma:.4g})")
