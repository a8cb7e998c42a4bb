"""The denoiser's training set: scenes as the VAE sees them.

Half of the scenes carry a caption that names the artist (places uniform; artists uniform, or with more of the hard
ones), half a caption that does not (long-tailed artists, huddled places). Latents are posterior means multiplied by the
VAE's scaling factor; the posterior's own noise would only be noise to learn.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace

import torch
from diffusers import AutoencoderKL
from jaxtyping import Bool, Float, Int
from torch import Tensor
from tqdm import tqdm

from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import Scenes, max_diversity, popular, random_subjects
from pipeline.world.subjects import SUBJECTS
from pipeline.world_model.artifacts import RoundParams, World
from repulsion.tensors.noise import keyed_generator
from repulsion.tensors.pixels import to_vae_range
from repulsion.tensors.weights import read_kept, write_tensors

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


def training_scenes(params: RoundParams, n: int, chunk: int) -> tuple[Scenes, Bool[Tensor, " n"]]:
    """n scenes of a chunk of the training distribution, and which of them have a caption that names the artist."""
    generator = keyed_generator(params.seed, "training scenes", chunk)
    half = n // 2
    named = max_diversity(random_subjects(half, generator), generator)
    if params.hard:
        named = replace(named, artist=with_hard_artists(named.artist, params, generator))
    plain = popular(random_subjects(n - half, generator), generator)
    both = Scenes(*(torch.cat(pair) for pair in zip(named.columns(), plain.columns(), strict=True)))
    return both, torch.arange(n) < half


def with_hard_artists(artist: Int[Tensor, " n"], params: RoundParams, generator: torch.Generator) -> Int[Tensor, " n"]:
    """The artists, or with probability `hard_share` a hard one instead. Captions say who painted, so that what is
    learned for each of them stays the same; only how often it is practised changes."""
    hard = torch.tensor([ARTIST_NAMES.index(name) for name in params.hard])
    drawn = hard[torch.randint(len(hard), artist.shape, generator=generator)]
    return torch.where(torch.rand(artist.shape, generator=generator) < params.hard_share, drawn, artist)


@torch.no_grad()
def encode(vae: AutoencoderKL, params: RoundParams) -> TrainingLatents:
    """The latents of `params.scenes` training scenes, on the CPU."""
    parts = []
    for start in tqdm(range(0, params.scenes, CHUNK), desc="latents"):
        scenes, named = training_scenes(params, min(CHUNK, params.scenes - start), start)
        means = [vae.encode(to_vae_range(p).to(vae.device)).latent_dist.mean for p in render(scenes).split(100)]
        x0 = torch.cat(means).cpu() * vae.config.scaling_factor
        parts.append((x0, scenes.subject, scenes.artist, named))
    return TrainingLatents(*(torch.cat(column) for column in zip(*parts, strict=True)))


def training_latents(world: World, params: RoundParams) -> tuple[TrainingLatents, str]:
    """The training set of a round of a world's denoiser, and a name that changes with it.

    It is kept in the scratch folder, so that a restart does not encode again.
    """
    weights = world.vae / "diffusion_pytorch_model.safetensors"
    path = world.latents(asdict(params), hashlib.sha256(weights.read_bytes()).hexdigest())
    kept = read_kept(path)
    if kept is None:
        vae = AutoencoderKL.from_pretrained(world.vae, low_cpu_mem_usage=False).to(world.params.device)
        kept = vars(encode(vae, params))
        write_tensors(path, kept)
    return TrainingLatents(**kept), path.stem
