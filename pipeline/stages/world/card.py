"""STAGE card: a model's card, with pictures of what the model does and its measured numbers."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from jaxtyping import UInt8
from torch import Tensor

from pipeline.world.captions import caption
from pipeline.world.render import render
from pipeline.world.scene import IMAGE_SIZE
from pipeline.world.worlds import World
from pipeline.world_model.artifacts import GUIDANCE, Artifacts, MeasureParams, main_of_kind
from pipeline.world_model.sheets import pair_scenes, save, sheet
from repulsion.core.files import read_text, read_yaml
from repulsion.diffusion.model import load_pipeline, sample_plain

# The text of a card, and what the cards of the models do not share.
TEXT, WORDS = Path(__file__).with_suffix(".md"), Path(__file__).with_suffix(".yaml")


def part_row(name: str, network: torch.nn.Module, note: str) -> str:
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    return f"| `{name}` | `{type(network).__name__}`, {note} | {millions:.2f} M parameters |"


def part_rows(pipe: DiffusionPipeline, notes: dict[str, str]) -> str:
    rows = []
    for part, note in notes.items():
        if network := getattr(pipe, part, None):
            config = network.config
            sizes = {"patch": config.patch_size, "layers": config.num_layers} if part == "transformer" else {}
            rows.append(part_row(part, network, note.format(**sizes)))
    return "\n".join(rows)


def run(artifacts: Artifacts, kind: str) -> None:
    world, params, folder = artifacts.world, artifacts.params.measure, artifacts.folder(kind)
    pipe = load_pipeline(folder, artifacts.params.device)
    draw_pairs(world, pipe, params, folder)
    draw_guidance(world, pipe, params, folder)
    found = json.loads(artifacts.metrics(kind).read_text(encoding="utf-8"))
    worst_subject, worst_artist = found["named_worst_pair_subject"], found["named_worst_pair_artist"]
    words = read_yaml(WORDS)
    of_kind = {name: text.format(world=world.name) for name, text in words["kinds"][kind].items()}
    text = read_text(TEXT).format(
        **of_kind,
        **words["worlds"][world.name],
        medium=world.medium,
        n_named=len(world.subjects) * len(world.artists) - len(world.unseen),
        n_artists=len(world.artists),
        unseen=unseen_text(words["unseen"], world, found["unseen_pairs"], params.images_per_pair)
        if world.unseen
        else "",
        kind=kind,
        pipeline=type(pipe).__name__,
        folder=folder.as_posix(),
        metrics=artifacts.metrics(kind).as_posix(),
        parts=part_rows(pipe, words["notes"]),
        levels=params.levels,
        missed=sum(not row["holds"] for row in found["bars"]) or "None",
        n_bars=len(found["bars"]),
        pooled=found["vae_psnr_of_mean_squared_error"],
        n_renders=params.renders,
        n_pair=params.images_per_pair,
        n_one=params.images_base_guidance_1,
        n_eight=params.images_base_guidance_8,
        bars="\n".join(bar_row(row) for row in found["bars"]),
        base="\n".join(
            base_row(world, subject, guidance, found[f"base_guidance_{guidance}"][subject])
            for subject in world.test_subjects
            for guidance in (1, 8)
        ),
        popular=found["training_effective_artists"],
        spread=found["uniform_place_spread"],
        huddle=found["training_place_spread"],
        worst_subject=caption(world, worst_subject["subject"], worst_subject["artist"]),
        worst_subject_accuracy=worst_subject["subject_accuracy"],
        worst_artist=caption(world, worst_artist["subject"], worst_artist["artist"]),
        worst_artist_accuracy=worst_artist["artist_accuracy"],
        n_words=5 + len(world.subjects) + len(world.artists),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def unseen_text(text: str, world: World, found: dict, images: int) -> str:
    """What the model paints of the pairs that it never saw."""
    rows = [
        f"| {caption(world, row['subject'], row['artist'])} "
        f"| {row['subject_accuracy']:.2f} | {row['artist_accuracy']:.2f} |"
        for row in found["pairs"]
    ]
    return "\n" + text.format(n=len(rows), images=images, rows="\n".join(rows), **found) + "\n"


def bar_row(row: dict) -> str:
    return f"| {row['what']} | {row['value']:.4g} | {row['bar']} | {'yes' if row['holds'] else '**no**'} |"


def base_row(world: World, subject: str, guidance: int, p: dict) -> str:
    artists, spread = p["effective_artists_95"], p["place_spread_95"]
    return (
        f"| {caption(world, subject, None)} | {guidance} | {p['n']} | {p['subject_accuracy']:.3f} "
        f"| {p['effective_artists']:.2f} [{artists[0]:.2f}, {artists[1]:.2f}] "
        f"| {p['place_spread']:.3f} [{spread[0]:.3f}, {spread[1]:.3f}] |"
    )


def draw_pairs(world: World, pipe: DiffusionPipeline, params: MeasureParams, folder: Path) -> None:
    """pairs.png: rows are artists; for each subject a render and, beside it, a sample."""
    rendered = render(world, pair_scenes(world, 1))
    prompts = [caption(world, subject, artist) for artist in world.artists for subject in world.subjects]
    generated = draw_in_batches(pipe, prompts, [0] * len(prompts), GUIDANCE, params)
    both = torch.stack([rendered, generated], 1).view(
        len(world.artists), 2 * len(world.subjects), 3, IMAGE_SIZE, IMAGE_SIZE
    )
    save(sheet(both, list(world.artists), list(world.subjects), gap_every=2), folder / "pairs.png")


def draw_guidance(
    world: World, pipe: DiffusionPipeline, params: MeasureParams, folder: Path, columns: int = 16
) -> None:
    """guidance.png: rows are base prompts at three guidance scales, columns are starts."""
    rows, labels = [], []
    for subject in world.test_subjects:
        for guidance in (1.0, 4.0, 8.0):
            prompts = [caption(world, subject, None)] * columns
            rows.append(draw_in_batches(pipe, prompts, list(range(columns)), guidance, params))
            labels.append(f"{subject}, {guidance:g}")
    page = sheet(torch.stack(rows), labels, ["prompts without an artist; guidance scale 1, 4, 8"])
    save(page, folder / "guidance.png")


def draw_in_batches(
    pipe: DiffusionPipeline, prompts: list[str], indices: list[int], guidance: float, params: MeasureParams
) -> UInt8[Tensor, "n 3 h w"]:
    parts = [slice(k, k + params.batch) for k in range(0, len(prompts), params.batch)]
    images = [sample_plain(pipe, prompts[p], indices[p], guidance, params.levels, params.seed) for p in parts]
    return torch.cat(images)


if __name__ == "__main__":
    main_of_kind(run)
