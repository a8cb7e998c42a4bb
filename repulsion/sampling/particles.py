"""A particle set from a pipeline: a method's row, a prompt and its keys -> latents at sigma 0.

It joins what sampler.sample does not know (the prompt, the guidance, the choice among candidates) to the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.settings import MAX_IMAGES
from repulsion.diffusion.denoiser import Denoiser
from repulsion.diffusion.families.family import OF_TEXT, Condition, Family
from repulsion.diffusion.families.registry import family_of
from repulsion.forces.embeddings import Context, embedding
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.sampling.conditions import annealed, condition_share, guidance_schedule, perturbed, projected
from repulsion.sampling.methods import Method
from repulsion.sampling.progress import Keeper, Progress
from repulsion.sampling.request import SetRequest, require_fitting
from repulsion.sampling.sampler import Evaluation, Hooks, sample
from repulsion.tensors.noise import particle_noise
from repulsion.tensors.slices import sliced

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


@dataclass(frozen=True)
class ParticleResult:
    """Latents [n, c, h, w] at sigma 0, the particle that each came from, every evaluation of the drift with repulsion,
    and how many latents went through the denoiser, forwards and backwards."""

    x0: Tensor
    index: list[int]
    evaluations: list[Evaluation]
    passes: int
    backward_passes: int


@torch.inference_mode(False)  # forces are gradients, also where a caller wants none
def sample_particles(
    pipe: DiffusionPipeline,
    method: Method,
    request: SetRequest,
    index: list[int],
    classifier: StyleClassifier | None = None,
    unfinished: Path | None = None,
    bar: Callable[[], object] | None = None,
) -> ParticleResult:
    """The particles `index` of a prompt by a method; where the method selects, the best of its candidates. In the
    folder `unfinished`, if any, x is kept as levels end, and sampling goes on from there. `bar` is called at each
    level's end. Raises BadInput for a method that does not fit the pipeline."""
    family = family_of(pipe)
    require_fitting(family, method, request, classifier)

    def images(x: Tensor) -> Tensor:
        return sliced(lambda part, s: family.decode(part), x, request.decode_batch)

    context = Context(request.seed, classifier, images, request.batch)
    candidates = method.select.candidates if method.select else 1
    groups = [[k + c * MAX_IMAGES for k in index] for c in range(candidates)]
    parts = []
    with family.decoding() if method.needs("decode") else nullcontext():
        for c, group in enumerate(groups):
            keeper = Keeper(unfinished / f"{c:03d}.safetensors" if unfinished else None, (method, request, group))
            parts.append(sample_candidates(pipe, method, request, group, context, keeper, bar))
        x0, kept = torch.cat([part.x0 for part in parts]), list(range(len(index)))
        if method.select:
            with torch.no_grad():
                phi = embedding(method.select.space, context)(x0, last_sigma(family, request), request.levels - 1)
            kept = farthest(phi, len(index))
    particle = [k for group in groups for k in group]
    return ParticleResult(
        x0[kept],
        [particle[k] for k in kept],
        [e for part in parts for e in part.evaluations],
        sum(part.passes for part in parts),
        sum(part.backward_passes for part in parts),
    )


def sample_candidates(
    pipe: DiffusionPipeline,
    method: Method,
    r: SetRequest,
    index: list[int],
    context: Context,
    keeper: Keeper,
    bar: Callable[[], object] | None,
) -> ParticleResult:
    """The particles `index`, none of them chosen or left out."""
    family = family_of(pipe)
    sigmas, latent, device = family.sigmas(r.schedule, r.levels, r.size), family.latent_shape(r.size), family.device
    values = sigmas.tolist()

    def noise(purpose: str, shape: tuple[int, ...] = latent) -> Tensor:
        return particle_noise(r.seed, r.prompt_id, index, purpose, shape).to(device)

    draws = cache(noise)  # of those that are the same at every level

    def edit(condition: Condition, sigma: float) -> Condition:
        """Annealing changes all that is of the text, each tensor with noise of its own; sizes and masks stay. Noise on
        the prompt changes its tokens."""
        level, time, changed = values.index(sigma), family.time(sigma), {}
        for name in OF_TEXT if method.anneal else ():
            if name in condition:
                purpose = f"condition {level}" if name == "prompt" else f"condition {name} {level}"
                value, share = condition[name], condition_share(method.anneal, time)
                draw = noise(purpose, tuple(value.shape[1:])).to(value.dtype)[: len(value)]
                changed[name] = annealed(value, draw, share, method.anneal.noise)
        if (p := method.prompt_noise) and p.acts_at(sigma):
            value = (condition | changed)["prompt"]
            both = (draws(f"prompt noise{k}", tuple(value.shape[1:]))[: len(value)] for k in ("", " chance"))
            changed["prompt"] = perturbed(value, *both, p)
        return condition | changed

    denoise = Denoiser(
        pipe,
        r.texts,
        r.guidance_scale,
        r.batch,
        edit_condition=edit if method.anneal or method.prompt_noise else None,
        guidance_weight=guidance_schedule(method.guidance) if method.guidance else None,
        combine=partial(projected, method.guidance) if method.guidance and method.guidance.projects else None,
        gradient_batch=r.gradient_batch,
        negative_prompt=r.negative_prompt,
        size=r.size,
    )
    kept = keeper.read()
    denoise.passes, denoise.backward_passes = kept.passes, kept.backward_passes
    evaluations = kept.evaluations
    resume = (kept.x.to(device), kept.levels) if kept.x is not None else None

    def after_level(x: Tensor, levels: int) -> None:
        progress = Progress(x, levels, evaluations, denoise.passes, denoise.backward_passes)
        keeper.write(progress, r.levels)
        if bar:
            bar()

    hooks = Hooks(after_level=after_level)
    x0 = sample(denoise, sigmas, method, noise, context, r.name, hooks, evaluations.append, resume)
    return ParticleResult(x0, index, evaluations, denoise.passes, denoise.backward_passes)


def last_sigma(family: Family, r: SetRequest) -> float:
    """The lowest noise level above 0: the one at which a network that knows noise levels sees finished latents."""
    return family.sigmas(r.schedule, r.levels, r.size)[-2].item()


def farthest(phi: Float[Tensor, "m d"], n: int) -> list[int]:
    """n rows, chosen greedily: the first, then always the one whose nearest chosen row is farthest (Gonzalez 1985). In
    the order of the rows."""
    chosen = [0]
    nearest = (phi - phi[0]).norm(dim=1)
    while len(chosen) < n:
        nearest[chosen] = -1  # a row is chosen once, copies included
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (phi - phi[chosen[-1]]).norm(dim=1))
    return sorted(chosen)
