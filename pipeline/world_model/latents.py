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

from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import Scenes, max_diversity, popular, random_subjects, without_unseen
from pipeline.world.worlds import World
from pipeline.world_model.artifacts import Artifacts, RoundParams
from repulsion.tensors.noise import keyed_generator
from repulsion.tensors.pixels import to_vae_range
from repulsion.tensors.weights import read_kept, write_tensors

CHUNK = 500


@dataclass(frozen=True)
class TrainingLatents:
    """Scaled latents, and what each scene's caption in the world says."""

    world: World
    x0: Float[Tensor, "n 4 h w"]
    subject: Int[Tensor, " n"]
    artist: Int[Tensor, " n"]
    named: Bool[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.x0)

    def captions(self, index: Int[Tensor, " k"]) -> list[str]:
        w = self.world
        rows = zip(self.subject[index].tolist(), self.artist[index].tolist(), self.named[index].tolist(), strict=True)
        return [caption(w, w.subjects[s], w.artists[a] if named else None) for s, a, named in rows]


def training_scenes(world: World, params: RoundParams, n: int, chunk: int) -> tuple[Scenes, Bool[Tensor, " n"]]:
    """n scenes of a chunk of the training distribution, and which of them have a caption that names the artist."""
    generator = keyed_generator(params.seed, "training scenes", chunk)
    half = n // 2
    named = max_diversity(world, random_subjects(world, half, generator), generator)
    if params.hard:
        named = replace(named, artist=with_hard_artists(world, named.artist, params, generator))
    named = without_unseen(world, named, max_diversity, generator)
    plain = popular(world, random_subjects(world, n - half, generator), generator)
    plain = without_unseen(world, plain, popular, generator)
    both = Scenes(*(torch.cat(pair) for pair in zip(named.columns(), plain.columns(), strict=True)))
    return both, torch.arange(n) < half


def with_hard_artists(
    world: World, artist: Int[Tensor, " n"], params: RoundParams, generator: torch.Generator
) -> Int[Tensor, " n"]:
    """The artists, or with probability `hard_share` a hard one instead. Captions say who painted, so that what is
    learned for each of them stays the same; only how often it is practised changes."""
    hard = torch.tensor([world.artists.index(name) for name in params.hard])
    drawn = hard[torch.randint(len(hard), artist.shape, generator=generator)]
    return torch.where(torch.rand(artist.shape, generator=generator) < params.hard_share, drawn, artist)


@torch.no_grad()
def encode(world: World, vae: AutoencoderKL, params: RoundParams) -> TrainingLatents:
    """The latents of `params.scenes` training scenes, on the CPU."""
    parts = []
    for start in tqdm(range(0, params.scenes, CHUNK), desc="latents"):
        scenes, named = training_scenes(world, params, min(CHUNK, params.scenes - start), start)
        means = [vae.encode(to_vae_range(p).to(vae.device)).latent_dist.mean for p in render(world, scenes).split(100)]
        x0 = torch.cat(means).cpu() * vae.config.scaling_factor
        parts.append((x0, scenes.subject, scenes.artist, named))
    return TrainingLatents(world, *(torch.cat(column) for column in zip(*parts, strict=True)))


def training_latents(artifacts: Artifacts, params: RoundParams) -> tuple[TrainingLatents, str]:
    """The training set of a round of a world's denoiser, and a name that changes with it.

    It is kept in the scratch folder, so that a restart does not encode again.
    """
    weights = artifacts.vae / "diffusion_pytorch_model.safetensors"
    path = artifacts.latents(asdict(params), hashlib.sha256(weights.read_bytes()).hexdigest())
    kept = read_kept(path)
    if kept is None:
        vae = AutoencoderKL.from_pretrained(artifacts.vae, low_cpu_mem_usage=False).to(artifacts.params.device)
        kept = {name: values for name, values in vars(encode(artifacts.world, vae, params)).items() if name != "world"}
        write_tensors(path, kept)
    return TrainingLatents(artifacts.world, **kept), path.stem
