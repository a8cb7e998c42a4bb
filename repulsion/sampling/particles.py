"""A particle set from a Stable Diffusion pipeline: a method's row, a prompt and its keys -> latents at sigma 0.

It joins what sampler.sample does not know, the prompt, the guidance and the choice among candidates, to what it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.profile.sections import MAX_IMAGES
from repulsion.core.settings import BadInput
from repulsion.diffusion.denoiser import Denoiser, decode
from repulsion.diffusion.levels import interpolate, noise_levels, sigma_table
from repulsion.diffusion.model import device_of, shape_of_latents
from repulsion.forces.classifier import StyleClassifier
from repulsion.forces.embeddings import CLASSIFIER_SPACES, Context, embedding
from repulsion.forces.repulsion import THROUGH_DENOISER
from repulsion.sampling.conditions import annealed, guidance_schedule, share
from repulsion.sampling.methods import Method
from repulsion.sampling.sampler import Evaluation, sample
from repulsion.tensors.microbatch import Journal, sliced
from repulsion.tensors.noise import particle_noise

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


@dataclass(frozen=True)
class Particles:
    """Latents [n, c, h, w] at sigma 0, the particle that each came from, and how many latents went through the
    denoiser, forwards and backwards."""

    x0: Tensor
    index: list[int]
    passes: int
    backward_passes: int


@dataclass(frozen=True)
class Question:
    """What is asked of a pipeline: `texts` is one text for all particles or one for each; noise is keyed by
    (seed, prompt_id, index). `batch`, `gradient_batch`, `decode_batch`: latents in one call of the UNet, of the UNet
    where a gradient goes back, of the decoder where a space asks for it. `name` is what errors call it."""

    texts: str | list[str]
    seed: int
    prompt_id: str
    schedule: str
    levels: int
    guidance_scale: float
    batch: int
    gradient_batch: int
    decode_batch: int
    name: str
    height: int | None = None  # of an image, in pixels; None: the model's own size
    width: int | None = None


@torch.inference_mode(False)  # forces are gradients, also where a caller wants none
def particles(
    pipe: StableDiffusionPipeline,
    method: Method,
    question: Question,
    index: list[int],
    network: StyleClassifier | None,
    observe: Callable[[Evaluation], None] | None = None,
    journal: Journal | None = None,
) -> Particles:
    """The particles `index` of a prompt by a method; where the method selects, the best of its candidates. What the
    denoiser gives is kept in the journal. Raises BadInput for a method that does not fit the pipeline."""
    require_fitting(pipe, method, question, network)

    def images(x: Tensor) -> Tensor:
        return sliced(lambda part, s: decode(pipe, part), x, question.decode_batch)

    context = Context(question.seed, network, images, question.batch)
    if not method.select:
        return sampled(pipe, method, question, index, context, observe, journal)
    groups = [[k + c * MAX_IMAGES for k in index] for c in range(method.select.candidates)]
    parts = [sampled(pipe, method, question, group, context, observe, journal) for group in groups]
    x0 = torch.cat([part.x0 for part in parts])
    with torch.no_grad():
        phi = embedding(method.select.space, context)(x0, last_sigma(pipe, question), question.levels - 1)
    kept = farthest(phi, len(index))
    wanted = [k for group in groups for k in group]
    costs = (sum(part.passes for part in parts), sum(part.backward_passes for part in parts))
    return Particles(x0[kept], [wanted[k] for k in kept], *costs)


def sampled(
    pipe: StableDiffusionPipeline,
    method: Method,
    q: Question,
    index: list[int],
    context: Context,
    observe: Callable[[Evaluation], None] | None,
    journal: Journal | None,
) -> Particles:
    sigmas = levels_of(pipe, q)
    values, table = sigmas.tolist(), sigma_table(pipe.scheduler.alphas_cumprod)
    latent = shape_of_latents(pipe, q.height, q.width)

    def noise(purpose: str, shape: tuple[int, ...] = latent) -> Tensor:
        return particle_noise(q.seed, q.prompt_id, index, purpose, shape).to(device_of(pipe))

    def anneal(condition: Tensor, sigma: float) -> Tensor:
        timesteps = torch.arange(len(table), dtype=torch.float64)
        time = interpolate(torch.tensor([sigma], dtype=torch.float64), table, timesteps).item() / timesteps[-1].item()
        draw = noise(f"condition {values.index(sigma)}", tuple(condition.shape[1:])).to(condition.dtype)
        return annealed(condition, draw[: len(condition)], share(method.anneal, time), method.anneal.noise)

    denoise = Denoiser(
        pipe,
        q.texts,
        q.guidance_scale,
        q.batch,
        edit_condition=anneal if method.anneal else None,
        guidance_weight=guidance_schedule(method.guidance) if method.guidance else None,
        journal=journal,
        gradient_batch=q.gradient_batch,
    )
    x0 = sample(denoise, sigmas, method, noise, context, q.name, observe=observe)
    return Particles(x0, index, denoise.passes, denoise.backward_passes)


def require_fitting(
    pipe: StableDiffusionPipeline, method: Method, q: Question, network: StyleClassifier | None
) -> None:
    """Raise BadInput for a method that cannot act on this pipeline's latents, or through networks that were loaded
    without a way for gradients."""
    _, *size = shape_of_latents(pipe, q.height, q.width)
    if network and set(method.spaces) & set(CLASSIFIER_SPACES) and size != [network.latent_size] * 2:
        raise BadInput(
            f"{q.name}: a style classifier of {network.latent_size}x{network.latent_size} latents, got {size}"
        )
    through = [pipe.unet] if any(r.input in THROUGH_DENOISER for r in method.repel or ()) else []
    through += [pipe.vae] if "decoded_average" in method.spaces else []
    through += [network] if network and set(method.spaces) & set(CLASSIFIER_SPACES) else []
    if any(p.is_inference() for part in through for p in part.parameters()):
        raise BadInput(
            f"{q.name}: gradients through a model that was loaded in torch.inference_mode(); load it outside"
        )


def levels_of(pipe: StableDiffusionPipeline, q: Question) -> Float[Tensor, " sigmas"]:
    return noise_levels(q.schedule, sigma_table(pipe.scheduler.alphas_cumprod), q.levels)


def last_sigma(pipe: StableDiffusionPipeline, q: Question) -> float:
    """The lowest noise level above 0: the one at which a network that knows noise levels sees finished latents."""
    return levels_of(pipe, q)[-2].item()


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
