"""Spaces in which particles repel: embeddings phi of latents x, [n, c, h, w] -> [n, d], of any h and w.

A space is built once for a set from a Context, and called as phi(x, sigma, level). The thesis's spaces, and more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, relu

from repulsion.core.errors import BadInput
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.tensors.noise import keyed_generator
from repulsion.tensors.slices import sliced

Embed = Callable[[Tensor, float, int], Tensor]
CNN_CHANNELS = (16, 16, 16, 16, 16, 16)


@dataclass(frozen=True)
class Context:
    """What a space may need besides the latents: a seed, and networks that not every model comes with; how many latents
    it may look at in one call; and latents at sigma 0 from which a method may keep away."""

    seed: int
    classifier: StyleClassifier | None = None
    decode: Callable[[Tensor], Tensor] | None = None  # latents -> images in [-1, 1], differentiable
    batch: int = 1024
    protected: Tensor | None = None


def latent(context: Context) -> Embed:
    return lambda x, sigma, level: x.flatten(1)


def channel_average(context: Context) -> Embed:
    """Mean over space of each channel: [n, c]."""
    return lambda x, sigma, level: x.mean((2, 3))


def mean(context: Context) -> Embed:
    """Mean over everything: [n, 1]."""
    return lambda x, sigma, level: x.flatten(1).mean(1, keepdim=True)


def thirds(size: int) -> Float[Tensor, "3 size"]:
    """Weights that average each third of `size` cells; a cell that a border cuts counts by its parts."""
    left = torch.arange(size, dtype=torch.float64)
    start = torch.arange(3, dtype=torch.float64).unsqueeze(1) * size / 3
    overlap = (torch.minimum(left + 1, start + size / 3) - torch.maximum(left, start)).clamp(min=0)
    return overlap / (size / 3)


def thirds_differences(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n _"]:
    """Differences of the means of neighbouring thirds, per channel: top - middle, middle - bottom, left - middle,
    middle - right, [n, 4 c]."""
    rows = x.mean(3) @ thirds(x.shape[2]).to(x).T
    columns = x.mean(2) @ thirds(x.shape[3]).to(x).T
    return torch.cat([-rows.diff(dim=2), -columns.diff(dim=2)], 2).flatten(1)


def rule_of_thirds(context: Context) -> Embed:
    return lambda x, sigma, level: thirds_differences(x)


def centre_of_mass(context: Context) -> Embed:
    """Where the latent differs from its border: the centre of mass of |x - border mean|^2 over channels, [n, 2], rows
    then columns, from -1 to 1. Two numbers that move when the subject does."""

    def place(x: Float[Tensor, "n c h w"], sigma: float, level: int) -> Float[Tensor, "n 2"]:
        border = torch.cat([x[:, :, 0], x[:, :, -1], x[:, :, 1:-1, 0], x[:, :, 1:-1, -1]], 2).mean(2)
        mass = (x - border[:, :, None, None]).square().sum(1)
        mass = mass / mass.sum((1, 2), keepdim=True)
        rows, columns = (torch.linspace(-1, 1, side).to(x) for side in x.shape[2:])
        return torch.stack([mass.sum(2) @ rows, mass.sum(1) @ columns], 1)

    return place


def random_cnn_at(x: Float[Tensor, "n c h w"], generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Six 3x3 convolutions of stride 2, ReLU between them, He-initialised from the generator, averaged over space."""
    inputs = x.shape[1]
    for k, outputs in enumerate(CNN_CHANNELS):
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5
        x = conv2d(relu(x) if k else x, weight.to(x), stride=2, padding=1)
        inputs = outputs
    return x.mean((2, 3))


def random_cnn(context: Context) -> Embed:
    """A network with fresh weights at every level, as in the thesis."""
    return lambda x, sigma, level: random_cnn_at(x, keyed_generator(context.seed, "random cnn", level))


def random_cnn_fixed(context: Context) -> Embed:
    """The same network at every level."""
    return lambda x, sigma, level: random_cnn_at(x, keyed_generator(context.seed, "random cnn", 0))


def classifier_of(context: Context, space: str) -> StyleClassifier:
    if context.classifier is None:
        raise BadInput(f"space {space!r} needs a style classifier, and none was given")
    return context.classifier


def style_classifier(context: Context) -> Embed:
    """Activations before the last layer of the style classifier."""
    network = classifier_of(context, "style_classifier")
    return lambda x, sigma, level: network.features(x, levels_like(x, sigma))


def style_classifier_thirds(context: Context) -> Embed:
    """Differences of thirds on the classifier's 4x4 map."""
    network = classifier_of(context, "style_classifier_thirds")
    return lambda x, sigma, level: thirds_differences(network.feature_map(x, levels_like(x, sigma)))


def levels_like(x: Float[Tensor, "n ..."], sigma: float) -> Float[Tensor, " n"]:
    return torch.full((len(x),), sigma, dtype=x.dtype, device=x.device)


def decoder_of(context: Context, space: str) -> Callable[[Tensor], Tensor]:
    if context.decode is None:
        raise BadInput(f"space {space!r} needs a decoder of latents, and none was given")
    return context.decode


def decoded_average(context: Context) -> Embed:
    """Mean colour of the decoded image: [n, 3]."""
    decode = decoder_of(context, "decoded_average")
    return lambda x, sigma, level: decode(x).mean((2, 3))


def decoded_cnn(context: Context) -> Embed:
    """Features of the decoded image by a network that nobody trained, the same at every level: in place of DINO or
    CLIP, which published methods use, where nothing may be shared with the encoder that measures."""
    decode = decoder_of(context, "decoded_cnn")
    return lambda x, sigma, level: random_cnn_at(decode(x), keyed_generator(context.seed, "random cnn", 0))


# The part of its Context that a space needs besides the seed.
NEEDS = {
    "style_classifier": "classifier",
    "style_classifier_thirds": "classifier",
    "decoded_average": "decode",
    "decoded_cnn": "decode",
}
SPACES: dict[str, Callable[[Context], Embed]] = {
    "latent": latent,
    "channel_average": channel_average,
    "mean": mean,
    "rule_of_thirds": rule_of_thirds,
    "centre_of_mass": centre_of_mass,
    "random_cnn": random_cnn,
    "random_cnn_fixed": random_cnn_fixed,
    "style_classifier": style_classifier,
    "style_classifier_thirds": style_classifier_thirds,
    "decoded_average": decoded_average,
    "decoded_cnn": decoded_cnn,
}


def embedding(space: str, context: Context) -> Embed:
    """A space of SPACES, that looks at `context.batch` latents at a time: each is embedded by itself."""
    embed = SPACES[space](context)
    return lambda x, sigma, level: sliced(lambda part, s: embed(part, sigma, level), x, context.batch)
