"""The denoiser's training set: scenes as the VAE sees them.

Half of the scenes carry a caption that names the artist (artists and places uniform), half a caption that does not
(long-tailed artists, huddled places). Latents are posterior means multiplied by the VAE's scaling factor; the
posterior's own noise would only be noise to learn.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from pipeline.model import to_vae_range
from pipeline.noise import keyed_generator
from pipeline.world.artifacts import LatentsParams, World
from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import Scenes, max_diversity, popular, random_subjects
from pipeline.world.subjects import SUBJECTS

CHUNK = 500


@dataclass(frozen=True)
class TrainingLatents:
    """Scaled latents, and what each scene's caption says."""

    x0: Float[Tensor, "n 4 h w"]
    subject: Int[Tensor, " n"]
    artist: Int[Tensor, " n"]
    named: Bool[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.x0)

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
def encode(vae: AutoencoderKL, params: LatentsParams) -> TrainingLatents:
    """The latents of `params.scenes` training scenes, on the CPU."""
    parts = []
    for start in tqdm(range(0, params.scenes, CHUNK), desc="latents"):
        scenes, named = training_scenes(min(CHUNK, params.scenes - start), params.seed, start)
        means = [vae.encode(to_vae_range(p).to(vae.device)).latent_dist.mean for p in render(scenes).split(100)]
        x0 = torch.cat(means).cpu() * vae.config.scaling_factor
        parts.append((x0, scenes.subject, scenes.artist, named))
    return TrainingLatents(*(torch.cat(column) for column in zip(*parts, strict=True)))


def training_latents(world: World) -> tuple[TrainingLatents, str]:
    """The training set of a world's denoiser, and a name that changes with it.

    It is kept in the scratch folder, so that a restart does not encode again.
    """
    weights = world.vae / "diffusion_pytorch_model.safetensors"
    path = world.latents(hashlib.sha256(weights.read_bytes()).hexdigest())
    if not path.is_file():
        vae = AutoencoderKL.from_pretrained(world.vae, low_cpu_mem_usage=False).to(world.params.device)
        save(encode(vae, world.params.latents), path)
    return TrainingLatents(**load_file(path)), path.stem


def save(latents: TrainingLatents, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in vars(latents).items()}, part)
    os.replace(part, path)
