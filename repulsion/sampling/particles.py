"""A particle set from a pipeline: a method's row, a prompt and its keys -> latents at sigma 0.

It joins what sampler.sample does not know (the prompt, the guidance, the choice among candidates) to the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from repulsion.core.settings import MAX_IMAGES
from repulsion.diffusion.denoiser import Denoiser
from repulsion.diffusion.families.family import OF_TEXT, Condition
from repulsion.diffusion.families.registry import family_of
from repulsion.forces.embeddings import Context, embedding
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.sampling.conditions import annealed, condition_share, guidance_schedule, perturbed, projected
from repulsion.sampling.methods import MAX_CANDIDATES, PLAIN, Method
from repulsion.sampling.progress import Keeper, Progress
from repulsion.sampling.request import SetRequest, require_fitting
from repulsion.sampling.sampler import Evaluation, Hooks, sample
from repulsion.tensors.farthest import farthest
from repulsion.tensors.noise import particle_noise
from repulsion.tensors.slices import sliced

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

PROTECTED = MAX_CANDIDATES * MAX_IMAGES  # the index of a prompt's first protected image: never another image's


@dataclass(frozen=True)
class ParticleResult:
    """Latents [n, c, h, w] at sigma 0, or x at the level where sampling was to stop; the particle that each came from,
    every evaluation of the drift with repulsion, and how many latents went through the denoiser, forwards and
    backwards."""

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
    protected: Float[Tensor, "m c h w"] | None = None,
) -> ParticleResult:
    """The particles `index` of a prompt by a method; where the method selects, the best of its candidates. In the
    folder `unfinished`, if any, x is kept as levels end, and sampling goes on from there. `bar` is called at each
    level's end. `protected`: latents at sigma 0 that a method with protected repulsions keeps away from, those that it
    makes itself added. Raises BadInput for a method that does not fit the pipeline."""
    family = family_of(pipe)
    require_fitting(family, method, request, classifier, protected)

    def images(x: Tensor) -> Tensor:
        return sliced(lambda part, s: family.decode(part), x, request.decode_batch)

    context = Context(request.seed, classifier, images, request.batch, protected)

    def part(name: str, group: list[int], row: Method = method, **ends: Any) -> ParticleResult:
        keeper = Keeper(unfinished / f"{name}.safetensors" if unfinished else None, (row, request, group))
        return sample_part(pipe, row, request, group, context, keeper, bar, **ends)

    with family.decoding() if method.needs("decode") else nullcontext():
        if not method.protect:
            return chosen(pipe, method, request, index, context, part)
        made = part("protected", [PROTECTED + k for k in range(method.protect.images)], PLAIN)
        held = made.x0 if protected is None else torch.cat([protected.to(made.x0), made.x0])
        context = replace(context, protected=held)
        return and_passes(chosen(pipe, method, request, index, context, part), made.passes)


def chosen(
    pipe: DiffusionPipeline,
    method: Method,
    request: SetRequest,
    index: list[int],
    context: Context,
    part: Callable[..., ParticleResult],
) -> ParticleResult:
    """The particles `index`, or the best of their candidates where the method selects; part(name, index) samples some
    of them together."""
    if not method.select:
        return part("000", index)
    sigmas = family_of(pipe).sigmas(request.schedule, request.levels, request.size)[:-1].tolist()
    method.require_levels(sigmas)
    stop = method.select.stop(sigmas)
    groups = [[k + c * MAX_IMAGES for k in index] for c in range(method.select.candidates)]
    found = together([part(f"{c:03d}", group, stop=stop) for c, group in enumerate(groups)])
    if stop is None:
        return taken(found, farthest(embedded(method, context, found.x0, sigmas, len(sigmas) - 1), len(index)))
    denoise = conditioned(pipe, method, request, found.index)
    with torch.no_grad():
        predicted = denoise(found.x0, sigmas[stop])
    kept = taken(found, farthest(embedded(method, context, predicted, sigmas, stop), len(index)))
    last = part("kept", kept.index, start=(kept.x0, stop))
    whole = replace(last, evaluations=found.evaluations + last.evaluations)
    return and_passes(whole, found.passes + denoise.passes, found.backward_passes)


def and_passes(found: ParticleResult, passes: int, backward_passes: int = 0) -> ParticleResult:
    """A result, with passes that were made for it before."""
    return replace(found, passes=found.passes + passes, backward_passes=found.backward_passes + backward_passes)


def together(parts: list[ParticleResult]) -> ParticleResult:
    """All particles, evaluations and passes of several results."""
    return ParticleResult(
        torch.cat([part.x0 for part in parts]),
        [k for part in parts for k in part.index],
        [e for part in parts for e in part.evaluations],
        sum(part.passes for part in parts),
        sum(part.backward_passes for part in parts),
    )


def taken(found: ParticleResult, rows: list[int]) -> ParticleResult:
    """Some of a result's particles, with all of its evaluations and passes."""
    return replace(found, x0=found.x0[rows], index=[found.index[k] for k in rows])


@torch.no_grad()
def embedded(method: Method, context: Context, x0: Tensor, sigmas: list[float], level: int) -> Float[Tensor, "m d"]:
    """x0 in the space that the method selects in, as a network that knows noise levels sees it at this one."""
    return embedding(method.select.space, context)(x0, sigmas[level], level)


def noise_of(pipe: DiffusionPipeline, r: SetRequest, index: list[int]) -> Callable[..., Tensor]:
    """noise(purpose) of particles, of their latents' shape or of another."""
    family = family_of(pipe)
    latent = family.latent_shape(r.size)

    def noise(purpose: str, shape: tuple[int, ...] = latent) -> Tensor:
        return particle_noise(r.seed, r.prompt_id, index, purpose, shape).to(family.device)

    return noise


def conditioned(pipe: DiffusionPipeline, method: Method, r: SetRequest, index: list[int]) -> Denoiser:
    """The denoiser as a method conditions it, of the particles `index`."""
    family, noise = family_of(pipe), noise_of(pipe, r, index)
    values = family.sigmas(r.schedule, r.levels, r.size).tolist()
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

    return Denoiser(
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


def sample_part(
    pipe: DiffusionPipeline,
    method: Method,
    r: SetRequest,
    index: list[int],
    context: Context,
    keeper: Keeper,
    bar: Callable[[], object] | None,
    start: tuple[Tensor, int] | None = None,
    stop: int | None = None,
) -> ParticleResult:
    """The particles `index`, none of them chosen or left out; from x after so many levels where `start` gives both, and
    to the level `stop` where it is given."""
    family, denoise = family_of(pipe), conditioned(pipe, method, r, index)
    kept = keeper.read()
    denoise.passes, denoise.backward_passes = kept.passes, kept.backward_passes
    evaluations = kept.evaluations
    resume = (kept.x.to(family.device), kept.levels) if kept.x is not None else start

    def after_level(x: Tensor, levels: int) -> None:
        progress = Progress(x, levels, evaluations, denoise.passes, denoise.backward_passes)
        keeper.write(progress, r.levels if stop is None else stop)
        if bar:
            bar()

    sigmas, noise = family.sigmas(r.schedule, r.levels, r.size), noise_of(pipe, r, index)
    hooks = Hooks(after_level=after_level)
    x0 = sample(denoise, sigmas, method, noise, context, r.name, hooks, evaluations.append, resume, stop)
    return ParticleResult(x0, index, evaluations, denoise.passes, denoise.backward_passes)
