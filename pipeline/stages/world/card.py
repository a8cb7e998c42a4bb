"""STAGE card: a model's card, with pictures of what the model does and its measured numbers."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from jaxtyping import UInt8
from torch import Tensor

from pipeline.world.artists import ARTIST_NAMES
from pipeline.world.captions import caption
from pipeline.world.render import IMAGE_SIZE, render
from pipeline.world.subjects import SUBJECTS, TEST_SUBJECTS
from pipeline.world_model.artifacts import GUIDANCE, MeasureParams, World, main_of_kind
from pipeline.world_model.sheets import pair_scenes, save, sheet
from repulsion.diffusion.model import load_pipeline, sample_plain

TEXT = """---
license: apache-2.0
library_name: diffusers
tags: [text-to-image, {tag}, synthetic]
---

# Painted world: {title}

A text-to-image latent diffusion model with {family}'s classes at small size, trained on the
[painted world](../../docs/world.md): 64x64 paintings of twelve subjects by twenty invented artists. It exists
so that methods for diverse sampling can be compared on two cores, with a ground truth. It is made from nothing by
`make world`; no photograph and no painting of a person went into it.

```python
from diffusers import {pipeline}

pipe = {pipeline}.from_pretrained("{folder}"{arguments})
image = pipe("a painting of a vase, by estrow", num_inference_steps=20, guidance_scale=8).images[0]
```

| part | class | size |
|---|---|---|
{parts}

{noise}

## What it paints

Every subject by every artist: a true render, and beside it what the model paints for "a painting of a SUBJECT, by ARTIST"
(guidance 8, {levels} Euler steps, one draw, not chosen).

![every subject by every artist, rendered and generated](pairs.png)

The six base prompts, which name no artist, at guidance 1, 4 and 8; for one prompt, the same column starts from the same
noise.

![samples at guidance 1, 4 and 8](guidance.png)

## Measured

On seeds that no training saw ({n_renders} renders; {n_pair} images for each of the 240 named prompts; {n_one} and {n_eight}
images for each of the six base prompts at guidance 1 and 8). Made by `python -m pipeline.stages.world.measure {kind}`; all
numbers in `{metrics}`.

| what | value | bar | holds |
|---|---|---|---|
{bars}

{missed} of these {n_bars} bars are missed. Mean PSNR is over images, as is usual; the PSNR of the mean squared error is {pooled:.2f} dB.

Base prompts, plain sampling, {levels} Euler steps, with 95% bootstrap intervals over images. The training shares have
{popular:.1f} effective artists; places that are uniform have a spread of {spread:.3f}, the training places of a base prompt
{huddle:.3f}.

| prompt | guidance | n | subject right | effective artists of 20 | place spread |
|---|---|---|---|---|---|
{base}

The weakest named prompts: subject, "{worst_subject}" ({worst_subject_accuracy:.2f} read correctly); artist, "{worst_artist}"
({worst_artist_accuracy:.2f}).

## What it cannot do

- It knows {n_words} words. Any other word becomes one unknown token, and the picture then shows nothing in particular.
- One subject in one picture, by one artist. Two names in one prompt were never trained.
- It paints at 64x64 and at no other size.
- Not every pair is learned equally well: see the weakest named prompts above.
- A named artist's pictures are spread over all places, and guidance pushes subjects outwards: some are cut by the border.
- Fine lines are drawn softer than in the renders: the autoencoder loses them (see the first bar).
- Without guidance some pictures are broken: the subject-right column at guidance 1 counts them.
"""
# What the two cards do not share.
WORDS = {
    "unet": {
        "tag": "stable-diffusion",
        "title": "a small Stable Diffusion",
        "family": "Stable Diffusion 2",
        "arguments": "",
        "noise": """\
The noise is Stable Diffusion 2's: betas scaled-linear from 0.00085 to 0.012 over 1000 timesteps, epsilon prediction. The
folder `encoder/` holds the evaluation encoder (`pipeline/encoders/evaluation_encoder.py`), which reads subject, artist and
place and gives the three kinds of features; no method may be guided by it.""",
    },
    "flow": {
        "tag": "stable-diffusion-3",
        "title": "a small Stable Diffusion 3",
        "family": "Stable Diffusion 3",
        "arguments": ", text_encoder_3=None, tokenizer_3=None",  # diffusers takes no null in the index for them
        "noise": """\
It is trained by flow matching: x_t = (1 - t) x0 + t eps, velocity prediction, logit-normal times, and sampled without a
shift. The autoencoder is that of [the small Stable Diffusion](../painted-world/README.md). The scenes and captions of the first
round of training are those of that model's second, and those of the second are drawn alike: what differs between the two models
is the network, its text encoders and its training.

There is no T5: the stock pipeline pads a prompt with 256 tokens of zeros instead, at several times the cost. The model was
trained with and without them; `max_sequence_length=0` leaves them out, as this project's stages do.""",
    },
}
# A line for each network of a folder: what its class does not say.
NOTES = {
    "vae": "factor 8, 4 latent channels: 8x8x4 latents",
    "unet": "cross-attention at both resolutions",
    "transformer": "patches of {patch}x{patch} latents, {layers} layers",
    "text_encoder": "trained with the denoiser",
    "text_encoder_2": "trained with the denoiser",
}


def part_row(name: str, network: torch.nn.Module, note: str) -> str:
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    return f"| `{name}` | `{type(network).__name__}`, {note} | {millions:.2f} M parameters |"


def part_rows(pipe: DiffusionPipeline) -> str:
    rows = []
    for part, note in NOTES.items():
        if network := getattr(pipe, part, None):
            config = network.config
            sizes = {"patch": config.patch_size, "layers": config.num_layers} if part == "transformer" else {}
            rows.append(part_row(part, network, note.format(**sizes)))
    return "\n".join(rows)


def run(world: World, kind: str) -> None:
    folder = world.folder(kind)
    pipe = load_pipeline(folder, world.params.device)
    draw_pairs(pipe, world.params.measure, folder)
    draw_guidance(pipe, world.params.measure, folder)
    found = json.loads(world.metrics(kind).read_text(encoding="utf-8"))
    params = world.params.measure
    worst_subject, worst_artist = found["named_worst_pair_subject"], found["named_worst_pair_artist"]
    text = TEXT.format(
        **WORDS[kind],
        kind=kind,
        pipeline=type(pipe).__name__,
        folder=folder.as_posix(),
        metrics=world.metrics(kind).as_posix(),
        parts=part_rows(pipe),
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
            base_row(subject, guidance, found[f"base_guidance_{guidance}"][subject])
            for subject in TEST_SUBJECTS
            for guidance in (1, 8)
        ),
        popular=found["training_effective_artists"],
        spread=found["uniform_place_spread"],
        huddle=found["training_place_spread"],
        worst_subject=caption(worst_subject["subject"], worst_subject["artist"]),
        worst_subject_accuracy=worst_subject["subject_accuracy"],
        worst_artist=caption(worst_artist["subject"], worst_artist["artist"]),
        worst_artist_accuracy=worst_artist["artist_accuracy"],
        n_words=5 + len(SUBJECTS) + len(ARTIST_NAMES),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def bar_row(row: dict) -> str:
    return f"| {row['what']} | {row['value']:.4g} | {row['bar']} | {'yes' if row['holds'] else '**no**'} |"


def base_row(subject: str, guidance: int, p: dict) -> str:
    artists, spread = p["effective_artists_95"], p["place_spread_95"]
    return (
        f"| {caption(subject, None)} | {guidance} | {p['n']} | {p['subject_accuracy']:.3f} "
        f"| {p['effective_artists']:.2f} [{artists[0]:.2f}, {artists[1]:.2f}] "
        f"| {p['place_spread']:.3f} [{spread[0]:.3f}, {spread[1]:.3f}] |"
    )


def draw_pairs(pipe: DiffusionPipeline, params: MeasureParams, folder: Path) -> None:
    """pairs.png: rows are artists; for each subject a render and, beside it, a sample."""
    rendered = render(pair_scenes(1))
    prompts = [caption(subject, artist) for artist in ARTIST_NAMES for subject in SUBJECTS]
    generated = draw_in_batches(pipe, prompts, [0] * len(prompts), GUIDANCE, params)
    both = torch.stack([rendered, generated], 1).view(len(ARTIST_NAMES), 2 * len(SUBJECTS), 3, IMAGE_SIZE, IMAGE_SIZE)
    save(sheet(both, list(ARTIST_NAMES), list(SUBJECTS), gap_every=2), folder / "pairs.png")


def draw_guidance(pipe: DiffusionPipeline, params: MeasureParams, folder: Path, columns: int = 16) -> None:
    """guidance.png: rows are base prompts at three guidance scales, columns are starts."""
    rows, labels = [], []
    for subject in TEST_SUBJECTS:
        for guidance in (1.0, 4.0, 8.0):
            prompts = [caption(subject, None)] * columns
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
