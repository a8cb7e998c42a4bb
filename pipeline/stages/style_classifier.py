"""STAGE style classifier: whole sampling trajectories of named artists, and a classifier of their latents.

A trajectory is a plain sample's latent at the start of each noise level. The classifier learns from all levels, told
which: from the trajectories as they are, and from their last latents with fresh noise of the level, which keeps it from
memorising initial noise. Its accuracy at each level is measured on trajectories from other starts.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import nll_loss
from tqdm import tqdm

from pipeline.machine.checks import require_ready
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import named_prompts, read_artists
from pipeline.profile.stage import main
from pipeline.training.loop import fingerprint, fit, write_curve
from repulsion.core.files import new_file
from repulsion.diffusion.denoiser import Denoiser
from repulsion.diffusion.levels import noise_levels, sigma_table
from repulsion.diffusion.model import device_of, load_pipeline, shape_of_latents
from repulsion.diffusion.model_folder import parts_of
from repulsion.forces import style_classifier as classifier
from repulsion.forces.embeddings import Context
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.sampling.methods import PLAIN
from repulsion.sampling.sampler import Hooks, sample
from repulsion.tensors.noise import keyed_generator, particle_noise
from repulsion.tensors.slices import Journal, forget_others, sliced
from repulsion.tensors.weights import hash_of, read_kept, write_tensors

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


ROWS = 1024  # latents that the classifier looks at in one call, where it is measured


@dataclass(frozen=True)
class Trajectories:
    """n trajectories: latents at the start of each level and after the last, the levels' sigmas, and who painted."""

    x: Float[Tensor, "n levels c h w"]
    x0: Float[Tensor, "n c h w"]
    sigma: Float[Tensor, " levels"]
    artist: Int[Tensor, " n"]


def sampled(
    profile: Profile, prompts: list[str], n: int, pipe: StableDiffusionPipeline, journal: Journal
) -> dict[str, Tensor]:
    """n plain samples of each prompt, denoised together: x [m, levels, c, h, w], their latents as each level begins,
    and x0, their ends."""
    p, seed = profile.sampling, profile.style_classifier.seed
    sigmas = noise_levels(p.schedule, sigma_table(pipe.scheduler.alphas_cumprod), p.levels)
    shape = shape_of_latents(pipe)
    seen: list[Tensor] = []

    def record(x: Tensor, sigma: float, level: int) -> Tensor:
        seen.append(x.cpu())
        return x

    def noise(purpose: str) -> Tensor:
        parts = [particle_noise(seed, prompt, list(range(n)), purpose, shape) for prompt in prompts]
        return torch.cat(parts).to(device_of(pipe))

    texts = [prompt for prompt in prompts for _ in range(n)] if len(prompts) > 1 else prompts[0]
    denoise = Denoiser(pipe, texts, p.guidance_scale, p.batch, journal=journal)
    hooks = Hooks(edit_latent=record)
    x0 = sample(denoise, sigmas, PLAIN, noise, Context(seed), f"prompt {prompts[0]!r}", hooks)
    return {"x": torch.stack(seen, 1), "x0": x0.cpu(), "sigma": sigmas[:-1].float()}


def trajectories(profile: Profile, prompts: list[tuple[str, int]], n: int, folder: Path) -> Trajectories:
    """n plain samples of each (prompt, artist), seen at every level: as many prompts at once as the UNet takes. Each
    such group is kept in `folder` as soon as it is there, so that a restart goes on where it was."""
    pipe, parts = None, []
    size = max(1, profile.sampling.batch // (2 * n))  # with and without the prompt
    paths = [folder / f"{k:06d}.safetensors" for k in range(0, len(prompts), size)]
    for path, k in zip(tqdm(paths, desc="trajectories"), range(0, len(prompts), size), strict=True):
        part = read_kept(path)
        if part is None:
            pipe = pipe or load_pipeline(Path(profile.model), profile.device, profile.compute)
            journal = Journal(path.with_suffix(""))
            part = sampled(profile, [text for text, _ in prompts[k : k + size]], n, pipe, journal)
            write_tensors(path, part)
            journal.clear()
        parts.append(part)
    x, x0 = (torch.cat([part[name] for part in parts]) for name in ("x", "x0"))
    artist = torch.tensor([a for _, a in prompts]).repeat_interleave(n)
    return Trajectories(x, x0, parts[0]["sigma"], artist)


def split(t: Trajectories, per_prompt: int, train: int) -> tuple[Trajectories, Trajectories]:
    """The first `train` trajectories of each prompt, and the others."""
    first = torch.arange(len(t.artist)) % per_prompt < train
    return tuple(Trajectories(t.x[part], t.x0[part], t.sigma, t.artist[part]) for part in (first, ~first))


@torch.no_grad()
def accuracy_by_level(network: StyleClassifier, t: Trajectories) -> list[float]:
    """Share of trajectories whose artist is named rightly, at each level."""
    found = []
    for k, sigma in enumerate(t.sigma):
        guess = sliced(lambda x, s, sigma=sigma: network(x, sigma.expand(len(x))), t.x[:, k], ROWS).argmax(1)
        found.append((guess == t.artist).float().mean().item())
    return found


def train_classifier(
    profile: Profile, t: Trajectories, artists: list[str], checkpoint: Path
) -> tuple[StyleClassifier, list[float]]:
    """Cross-entropy over trajectories and levels drawn uniformly; the network and the loss at every step."""
    p, device = profile.style_classifier, profile.device
    settings = p.training
    torch.manual_seed(settings.seed)  # torch draws initial weights from the global generator
    network = StyleClassifier(tuple(artists), t.x.shape[-1], p.width, p.features).to(device)

    def loss_at(step: int) -> Tensor:
        generator = keyed_generator(settings.seed, "style classifier", step)
        row = torch.randint(len(t.x), (settings.batch,), generator=generator)
        level = torch.randint(len(t.sigma), (settings.batch,), generator=generator)
        sigma = t.sigma[level]
        noise = torch.randn(t.x0[row].shape, generator=generator)
        fresh = torch.rand(settings.batch, 1, 1, 1, generator=generator) < p.renoised
        x = torch.where(fresh, t.x0[row] + sigma.view(-1, 1, 1, 1) * noise, t.x[row, level])
        guess = network(x.to(device), sigma.to(device))
        return nll_loss(guess, t.artist[row].to(device))

    losses = fit(network, loss_at, settings, checkpoint, "style classifier")
    return network.cpu(), losses


def write_accuracy(path: Path, sigma: Float[Tensor, " levels"], accuracy: dict[str, list[float]]) -> None:
    """One row for each level and set: level, sigma, set, accuracy."""
    with new_file(path) as part, part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["level", "sigma", "set", "accuracy"])
        for name, values in accuracy.items():
            writer.writerows(
                [k, f"{s:.4f}", name, f"{v:.4f}"] for k, (s, v) in enumerate(zip(sigma, values, strict=True))
            )


def run(profile: Profile) -> None:
    require_ready(profile)
    p, artists = profile.style_classifier, read_artists(profile.artists_file)
    prompts, n = named_prompts(p.subjects, artists), p.train + p.held_out
    model = hash_of(*parts_of(Path(profile.model)))
    inputs = [asdict(p), profile.sampling.of_a_set(), profile.device, asdict(profile.compute), prompts, model]
    scratch = profile.scratch / "style_classifier" / fingerprint(*inputs)
    forget_others(scratch)
    train, held_out = split(trajectories(profile, prompts, n, scratch), n, p.train)
    network, losses = train_classifier(profile, train, artists, scratch / "checkpoint.safetensors")
    classifier.save(network, Path(p.folder))
    accuracy = {name: accuracy_by_level(network, t) for name, t in (("train", train), ("held out", held_out))}
    write_accuracy(profile.classifier_accuracy, held_out.sigma, accuracy)
    write_curve(profile.classifier_loss, losses)


if __name__ == "__main__":
    main(run)
