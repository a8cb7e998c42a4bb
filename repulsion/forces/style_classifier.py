"""The style classifier: names the artist from a latent at any noise level; its activations are an embedding.

After the thesis's VGG-like network, with the noise level as a condition that matters: each block's channels are scaled
and shifted by it. Latents are variance-exploding, x = x0 + sigma eps, [n, 4, h, w] with h, w multiples of 4; pooling
follows their size, so that 8x8 and 64x64 latents both end in a 4x4 map.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, silu

from repulsion.core.errors import BadInput
from repulsion.core.files import read_json
from repulsion.core.settings import Count, Names, settings, strict
from repulsion.tensors.weights import require_weights, write_tensors

CHANNELS = 4  # of a latent
MAP = 4  # side of the last feature map
FREQUENCIES = 4  # of log sigma
GROUPS = 8  # of channels, in group norms


@settings
class Config:
    """What a StyleClassifier is built from, as in its config.json."""

    artists: Names
    latent_size: Count
    width: Count
    features: Count


class Block(nn.Module):
    """Two 3x3 convolutions with a residual; the first's channels are scaled and shifted by the noise level."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)
        self.norms = nn.ModuleList([nn.GroupNorm(GROUPS, outputs), nn.GroupNorm(GROUPS, outputs)])
        self.film = nn.Linear(condition, 2 * outputs)

    def forward(self, x: Float[Tensor, "n c h w"], level: Float[Tensor, "n e"]) -> Float[Tensor, "n d h w"]:
        scale, shift = self.film(level)[..., None, None].chunk(2, 1)
        h = silu(self.norms[0](self.first(x)) * (1 + scale) + shift)
        return silu(self.norms[1](self.second(h)) + self.skip(x))


class StyleClassifier(nn.Module):
    """`width` channels in the map, `features` activations before the last layer, one class for each artist."""

    def __init__(self, artists: tuple[str, ...], latent_size: int, width: int, features: int) -> None:
        super().__init__()
        self.artists, self.latent_size = artists, latent_size
        self.config = {"artists": list(artists), "latent_size": latent_size, "width": width, "features": features}
        pools = int(math.log2(max(1, latent_size // MAP)))
        if latent_size != MAP * 2**pools:
            raise BadInput(f"latent size: expected {MAP} times a power of two, got {latent_size}")
        channels = [CHANNELS] + [max(16, width >> max(0, pools - 1 - k)) for k in range(max(2, pools))]
        channels[-1] = width
        if odd := [c for c in channels[1:] if c % GROUPS]:
            raise BadInput(f"width: expected one whose parts are multiples of {GROUPS}, got {width} with {odd[0]}")
        self.pools = pools
        condition = 2 * FREQUENCIES
        pairs = pairwise(channels)
        self.blocks = nn.ModuleList([Block(a, b, condition) for a, b in pairs])
        self.hidden = nn.Linear(width * MAP * MAP, features)
        self.head = nn.Linear(features, len(artists))

    def feature_map(self, x: Float[Tensor, "n 4 h w"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n width 4 4"]:
        """The last feature map of latents at their noise levels."""
        level = level_features(sigma).to(x)
        x = x / (sigma.to(x).view(-1, 1, 1, 1).square() + 1).sqrt()
        for k, block in enumerate(self.blocks):
            x = block(x, level)
            if k < self.pools:
                x = max_pool2d(x, 2)
        return x

    def features(self, x: Float[Tensor, "n 4 h w"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n features"]:
        """Activations before the last layer: the thesis's style embedding."""
        return silu(self.hidden(self.feature_map(x, sigma).flatten(1)))

    def forward(self, x: Float[Tensor, "n 4 h w"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n artists"]:
        """Log-probabilities of the artists."""
        return self.head(self.features(x, sigma)).log_softmax(1)


def level_features(sigma: Float[Tensor, " n"]) -> Float[Tensor, "n _"]:
    """Sines and cosines of log sigma; from sigma 0.02 to 20 the slowest turns by a quarter."""
    angle = sigma.clamp(min=1e-3).log().unsqueeze(1) * (0.45 * 2 ** torch.arange(FREQUENCIES, device=sigma.device) / 2)
    return torch.cat([angle.sin(), angle.cos()], 1).float()


def save(classifier: StyleClassifier, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(classifier.config, indent=2) + "\n", encoding="utf-8")
    write_tensors(folder / "model.safetensors", classifier.state_dict())


def load(folder: Path) -> StyleClassifier:
    """The classifier in a folder. Raises BadInput for a missing part or weights that do not fit the configuration."""
    config = strict(Config, read_json(folder / "config.json"), str(folder / "config.json"))
    classifier = StyleClassifier(**vars(config))
    require_weights(classifier, folder / "model.safetensors")
    classifier.load_state_dict(load_file(folder / "model.safetensors"))
    return classifier.eval().requires_grad_(False)
