"""STAGE measure: what a shipped model and its encoder reach on seeds that no training has seen, beside the bars."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import torch
from diffusers import AutoencoderKL, DiffusionPipeline
from jaxtyping import UInt8
from torch import Tensor
from tqdm import tqdm

from pipeline.encoders import evaluation_encoder
from pipeline.encoders.evaluation_encoder import EvaluationEncoder, Reading
from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import Scenes, huddled_places, max_diversity, popular_shares, random_subjects, uniform_places
from pipeline.world.worlds import World
from pipeline.world_model.artifacts import GUIDANCE, Artifacts, MeasureParams, main_of_kind
from pipeline.world_model.bars import bars
from pipeline.world_model.statistics import accuracy, effective_number, interval, place_spread, psnr, shares
from repulsion.core.files import new_file
from repulsion.diffusion.model import load_pipeline, sample_plain
from repulsion.tensors.noise import keyed_generator
from repulsion.tensors.pixels import to_vae_range

Sampler = Callable[[list[str], int, float], Iterator[Tensor]]  # (prompts, n, guidance scale) -> n images of each prompt


def held_out(world: World, params: MeasureParams) -> tuple[Scenes, UInt8[Tensor, "n 3 64 64"]]:
    """Max-diversity scenes that no training has seen, and their renders."""
    generator = keyed_generator(params.seed, "held out", 0)
    scenes = max_diversity(world, random_subjects(world, params.renders, generator), generator)
    return scenes, render(world, scenes)


@torch.no_grad()
def reconstruct(vae: AutoencoderKL, images: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 h w"]:
    """Images through the VAE and back, by the mean of the posterior."""
    parts = [
        vae.decode(vae.encode(to_vae_range(part).to(vae.device)).latent_dist.mean).sample for part in images.split(64)
    ]
    return ((torch.cat(parts).cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def sample_prompts(
    draw: Callable[[list[str], list[int]], UInt8[Tensor, "k 3 h w"]], prompts: list[str], n: int, batch: int, title: str
) -> Iterator[UInt8[Tensor, "n 3 h w"]]:
    """n images of each prompt, prompt by prompt, from draw(prompts, indices); a batch may hold several prompts."""
    jobs = [(prompt, index) for prompt in prompts for index in range(n)]
    images: list[Tensor] = []
    for start in tqdm(range(0, len(jobs), batch), desc=title):
        images += draw(*map(list, zip(*jobs[start : start + batch], strict=True)))
        while len(images) >= n:
            yield torch.stack(images[:n])
            images = images[n:]


def plain(
    pipe: DiffusionPipeline, params: MeasureParams, prompts: list[str], n: int, guidance_scale: float
) -> Iterator[UInt8[Tensor, "n 3 h w"]]:
    """n plain samples of each prompt, prompt by prompt."""

    def draw(batch: list[str], indices: list[int]) -> UInt8[Tensor, "k 3 h w"]:
        return sample_plain(pipe, batch, indices, guidance_scale, params.levels, params.seed)

    return sample_prompts(draw, prompts, n, params.batch, f"samples at guidance {guidance_scale:g}")


def measure_encoder(encoder: EvaluationEncoder, scenes: Scenes, images: UInt8[Tensor, "n 3 64 64"]) -> dict[str, float]:
    reading = encoder.read(images)
    return {
        "encoder_subject_accuracy": accuracy(reading.subject.argmax(1) == scenes.subject),
        "encoder_artist_accuracy": accuracy(reading.artist.argmax(1) == scenes.artist),
        "encoder_place_rmse": (reading.place - scenes.place).square().mean().sqrt().item(),
    }


def read_pairs(
    world: World, sampler: Sampler, encoder: EvaluationEncoder, n: int, pairs: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Subject and artist read correctly in n samples of every named prompt at guidance 8."""
    prompts = [caption(world, *pair) for pair in pairs]
    rows = []
    samples = sampler(prompts, n, GUIDANCE)
    for (subject, artist), images in zip(pairs, samples, strict=True):
        reading = encoder.read(images)
        rows.append(
            {
                "subject": subject,
                "artist": artist,
                "subject_accuracy": accuracy(reading.subject.argmax(1) == world.subjects.index(subject)),
                "artist_accuracy": accuracy(reading.artist.argmax(1) == world.artists.index(artist)),
            }
        )
    return rows


def measure_pairs(world: World, sampler: Sampler, encoder: EvaluationEncoder, n: int) -> dict[str, Any]:
    """Every pair of a subject and an artist that training showed: means, and the worst pairs."""
    pairs = [pair for pair in product(world.subjects, world.artists) if pair not in world.unseen]
    rows = read_pairs(world, sampler, encoder, n, pairs)
    return {
        "named_subject_accuracy": sum(r["subject_accuracy"] for r in rows) / len(rows),
        "named_artist_accuracy": sum(r["artist_accuracy"] for r in rows) / len(rows),
        "named_worst_pair_subject": min(rows, key=lambda r: r["subject_accuracy"]),
        "named_worst_pair_artist": min(rows, key=lambda r: r["artist_accuracy"]),
    }


def measure_unseen(world: World, sampler: Sampler, encoder: EvaluationEncoder, n: int, seed: int) -> dict[str, Any]:
    """The pairs that no training showed, with 95% intervals over pairs, and the other pairs of the same subjects."""
    others = [pair for pair in product(world.transfer_subjects, world.artists) if pair not in world.unseen]
    found: dict[str, Any] = {}
    for name, pairs in (("unseen", list(world.unseen)), ("seen", others)):
        rows = read_pairs(world, sampler, encoder, n, pairs)
        for reading in ("subject_accuracy", "artist_accuracy"):
            values = torch.tensor([row[reading] for row in rows])
            found[f"{name}_{reading}"] = values.mean().item()
            found[f"{name}_{reading}_95"] = interval(values, lambda v: v.mean().item(), seed)
        if name == "unseen":
            found["pairs"] = rows
    return found


def measure_base(
    world: World, sampler: Sampler, encoder: EvaluationEncoder, n: int, guidance_scale: float, seed: int
) -> dict[str, dict[str, Any]]:
    """For each base prompt of the test subjects: what n plain samples show, with 95% intervals."""
    prompts = [caption(world, subject, None) for subject in world.test_subjects]
    found = {}
    for subject, images in zip(world.test_subjects, sampler(prompts, n, guidance_scale), strict=True):
        found[subject] = describe(world, encoder.read(images), world.subjects.index(subject), seed)
    return found


def describe(world: World, reading: Reading, subject: int, seed: int) -> dict[str, Any]:
    artist = reading.artist.argmax(1)
    return {
        "n": len(artist),
        "subject_accuracy": accuracy(reading.subject.argmax(1) == subject),
        "artist_total_variation": 0.5 * (shares(artist, len(world.artists)) - popular_shares(world)).abs().sum().item(),
        "effective_artists": effective_number(artist),
        "effective_artists_95": interval(artist, effective_number, seed),
        "place_spread": place_spread(reading.place),
        "place_spread_95": interval(reading.place, place_spread, seed),
    }


def rounded(value: Any) -> Any:
    """Floats to five digits after the point, at any depth, for a file that people read and git compares."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return round(value, 5) if isinstance(value, float) else value


def measure(artifacts: Artifacts, kind: str) -> dict[str, Any]:
    world, params = artifacts.world, artifacts.params.measure
    pipe = load_pipeline(artifacts.folder(kind), artifacts.params.device)
    encoder = evaluation_encoder.load(artifacts.encoder, world)
    scenes, images = held_out(world, params)
    generator = keyed_generator(params.seed, "places", 0)
    reconstruction = psnr(images, reconstruct(pipe.vae, images))
    found = {
        "vae_psnr": reconstruction.mean().item(),
        "vae_psnr_of_mean_squared_error": (-10 * torch.log10((10 ** (-reconstruction / 10)).mean())).item(),
        "uniform_place_spread": place_spread(uniform_places(100_000, generator)),
        "training_place_spread": place_spread(huddled_places(100_000, generator)),
        "training_effective_artists": torch.special.entr(popular_shares(world)).sum().exp().item(),
    }
    found |= measure_encoder(encoder, scenes, images)
    sampler = partial(plain, pipe, params)
    found |= measure_pairs(world, sampler, encoder, params.images_per_pair)
    if world.unseen:
        found["unseen_pairs"] = measure_unseen(world, sampler, encoder, params.images_per_pair, params.seed)
    for guidance, n in ((1.0, params.images_base_guidance_1), (GUIDANCE, params.images_base_guidance_8)):
        found[f"base_guidance_{guidance:g}"] = measure_base(world, sampler, encoder, n, guidance, params.seed)
    return {"bars": bars(world, found), **found}


def run(artifacts: Artifacts, kind: str) -> None:
    found = rounded(measure(artifacts, kind))
    with new_file(artifacts.metrics(kind)) as part:
        part.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main_of_kind(run)
