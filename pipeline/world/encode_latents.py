"""STAGE latents: the training scenes, as the VAE sees them.

Half of the scenes carry a caption that names the artist (artists and places uniform), half a caption that does not
(long-tailed artists, huddled places). Latents are kept as posterior means and standard deviations, already multiplied
by the VAE's scaling factor.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from pipeline.noise import keyed_generator
from pipeline.world.artifacts import World, main
from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import Scenes, max_diversity, popular, random_subjects
from pipeline.world.subjects import SUBJECTS
from pipeline.world.train_vae import to_model

CHUNK = 500


@dataclass(frozen=True)
class TrainingLatents:
    """Scaled posterior means and standard deviations, and what each scene's caption says."""

    mean: Float[Tensor, "n 4 h w"]
    std: Float[Tensor, "n 4 h w"]
    subject: Int[Tensor, " n"]
    artist: Int[Tensor, " n"]
    named: Bool[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.mean)

    def captions(self, index: Int[Tensor, " k"]) -> list[str]:
        rows = zip(self.subject[index].tolist(), self.artist[index].tolist(), self.named[index].tolist(), strict=True)
        return [caption(SUBJECTS[s], ARTIST_NAMES[a] if named else None) for s, a, named in rows]


def training_scenes(n: int, seed: int, chunk: int) -> tuple[Scenes, Bool[Tensor, " n"]]:
    """n scenes of a chunk of the training distribution, and which of them have a caption that names the artist."""
    generator = keyed_generator(seed, "training scenes", chunk)
    half = n // 2
    named = max_diversity(random_subjects(half, generator), generator)
    plain = popular(random_subjects(n - half, generator), generator)
    both = Scenes(*(torch.cat(pair) for pair in zip(named.columns(), plain.columns(), strict=True)))
    return both, torch.arange(n) < half


@torch.no_grad()
def encode(vae: AutoencoderKL, world: World) -> TrainingLatents:
    params, parts = world.params.latents, []
    for start in tqdm(range(0, params.scenes, CHUNK), desc="latents"):
        scenes, named = training_scenes(min(CHUNK, params.scenes - start), params.seed, start)
        posteriors = [vae.encode(to_model(p).to(vae.device)).latent_dist for p in render(scenes).split(100)]
        factor = vae.config.scaling_factor
        mean = torch.cat([p.mean for p in posteriors]).cpu() * factor
        std = torch.cat([p.std for p in posteriors]).cpu() * factor
        parts.append((mean, std, scenes.subject, scenes.artist, named))
    return TrainingLatents(*(torch.cat(column) for column in zip(*parts, strict=True)))


def save(latents: TrainingLatents, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in vars(latents).items()}, part)
    os.replace(part, path)


def load(path: Path) -> TrainingLatents:
    return TrainingLatents(**load_file(path))


def run(world: World) -> None:
    vae = AutoencoderKL.from_pretrained(world.model / "vae").to(world.params.device)
    save(encode(vae, world), world.latents)


if __name__ == "__main__":
    main(run)
