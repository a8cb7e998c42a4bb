"""STAGE encoder: train the evaluation encoder on uniform renders, blurred and noised."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import conv2d, mse_loss, nll_loss, pad

from pipeline.encoders import evaluation_encoder
from pipeline.encoders.evaluation_encoder import EvaluationEncoder, Reading
from pipeline.training.loop import fit, write_curve
from pipeline.world.render import render
from pipeline.world.scene import Scenes, max_diversity, random_subjects
from pipeline.world_model.artifacts import Artifacts, main
from repulsion.tensors.noise import keyed_generator

BLUR = 1.2  # largest standard deviation of the blur, in pixels
NOISE = 16.0  # and of the noise, in grey levels of 255
PLACE_WEIGHT = 200.0  # an error of 0.02 of the image then weighs 0.08 nats


def blur(images: Float[Tensor, "n c h w"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n c h w"]:
    """Gaussian blur with a standard deviation (pixels) of its own for each image; edges are replicated."""
    n, c, h, w = images.shape
    offset = torch.arange(-3, 4, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offset / sigma.clamp(min=1e-3).unsqueeze(1)).square())
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)
    x = conv2d(
        pad(images, (3, 3, 3, 3), mode="replicate").reshape(1, n * c, h + 6, w + 6),
        kernel[:, None, :, None],
        groups=n * c,
    )
    return conv2d(x, kernel[:, None, None, :], groups=n * c).reshape(n, c, h, w)


def augment(images: UInt8[Tensor, "n 3 h w"], generator: torch.Generator) -> Float[Tensor, "n 3 h w"]:
    """Each image blurred and noised by amounts of its own, from none to BLUR and NOISE; floats around [0, 255]."""
    n = len(images)
    blurred = blur(images.float(), BLUR * torch.rand(n, generator=generator))
    noise = torch.randn(images.shape, generator=generator)
    return blurred + NOISE * torch.rand(n, 1, 1, 1, generator=generator) * noise


def loss(reading: Reading, scenes: Scenes) -> Float[Tensor, ""]:
    """Cross-entropies of subject and artist (nats) and the squared error of the place, weighted by PLACE_WEIGHT."""
    classes = nll_loss(reading.subject, scenes.subject) + nll_loss(reading.artist, scenes.artist)
    return classes + PLACE_WEIGHT * mse_loss(reading.place, scenes.place)


def run(artifacts: Artifacts) -> None:
    world = artifacts.world
    settings, device = artifacts.params.encoder.training, artifacts.params.device
    torch.manual_seed(settings.seed)  # torch draws initial weights from the global generator
    encoder = EvaluationEncoder(world).to(device)

    def loss_at(step: int) -> Tensor:
        generator = keyed_generator(settings.seed, "encoder", step)
        # of all pairs, the unseen ones too: they are to be read in what a model makes of them
        scenes = max_diversity(world, random_subjects(world, settings.batch, generator), generator)
        images = augment(render(world, scenes), generator).to(device)
        return loss(encoder(images), Scenes(*(column.to(device) for column in scenes.columns())))

    checkpoint = artifacts.checkpoint("encoder")
    losses = fit(encoder, loss_at, settings, checkpoint, "evaluation encoder")
    evaluation_encoder.save(encoder, world, artifacts.encoder)
    write_curve(artifacts.curve("encoder"), losses, points=200)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    main(run)
