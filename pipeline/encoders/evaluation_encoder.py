"""The evaluation encoder: an Inception-like network that reads renders, and gives features for the distances.

It is trained on renders and used for measuring only: no method may be guided by it. Images are uint8 NCHW RGB in
[0, 255], 64x64; readings are classes and places (x, y) in shares of the image's side.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, silu

from pipeline.world.scene import IMAGE_SIZE
from pipeline.world.worlds import World
from repulsion.core.errors import BadInput
from repulsion.core.files import read_json
from repulsion.tensors.weights import require_weights, write_tensors

EARLY, MIDDLE, POOLED = 16, 64, 64  # channels of the three feature blocks


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(layer, nn.GroupNorm(min(8, outputs // 2), outputs), nn.SiLU())


class Mixed(nn.Module):
    """Parallel 1x1, 3x3, double 3x3 and pooled branches, side by side in the channels (Szegedy et al. 2016)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        width = outputs // 4
        self.one = convolution(inputs, width, 1)
        self.three = nn.Sequential(convolution(inputs, width, 1), convolution(width, width, 3))
        self.five = nn.Sequential(
            convolution(inputs, width, 1), convolution(width, width, 3), convolution(width, width, 3)
        )
        self.pool = convolution(inputs, width, 1)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        pooled = max_pool2d(x, 3, 1, padding=1)
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(pooled)], 1)


@dataclass(frozen=True)
class Blocks:
    """What the network sees: an early block (style), a middle one (location), a pooled vector (general)."""

    early: Float[Tensor, "n 16 16 16"]
    middle: Float[Tensor, "n 64 8 8"]
    pooled: Float[Tensor, "n 64"]


@dataclass(frozen=True)
class Reading:
    """What the network reads in n images: log-probabilities and places."""

    subject: Float[Tensor, "n subjects"]
    artist: Float[Tensor, "n artists"]
    place: Float[Tensor, "n 2"]


class EvaluationEncoder(nn.Module):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(3, EARLY, 5, 2), convolution(EARLY, EARLY, 3))  # 32 x 32
        self.early = Mixed(EARLY, EARLY)
        self.middle = nn.Sequential(Mixed(EARLY, MIDDLE), Mixed(MIDDLE, MIDDLE))
        self.late = nn.Sequential(Mixed(MIDDLE, 128), Mixed(128, 128))
        self.pooled = nn.Linear(128 * 4 * 4, POOLED)
        self.subject = nn.Linear(POOLED, len(world.subjects))
        self.artist = nn.Linear(POOLED, len(world.artists))
        self.place = nn.Linear(MIDDLE * 8 * 8, 2)

    def blocks(self, images: UInt8[Tensor, "n 3 64 64"] | Float[Tensor, "n 3 64 64"]) -> Blocks:
        """The three feature blocks. Float images (augmented ones, in training) are in [0, 255] too."""
        x = self.stem(images.float() / 127.5 - 1)
        early = self.early(max_pool2d(x, 2))  # 16 x 16
        middle = self.middle(max_pool2d(early, 2))  # 8 x 8
        late = self.late(max_pool2d(middle, 2))  # 4 x 4
        return Blocks(early, middle, silu(self.pooled(late.flatten(1))))

    def forward(self, images: UInt8[Tensor, "n 3 64 64"] | Float[Tensor, "n 3 64 64"]) -> Reading:
        return self.heads(self.blocks(images))

    def heads(self, blocks: Blocks) -> Reading:
        """What the network reads, from the blocks alone."""
        return Reading(
            self.subject(blocks.pooled).log_softmax(1),
            self.artist(blocks.pooled).log_softmax(1),
            0.5 + self.place(blocks.middle.flatten(1)),
        )

    @torch.no_grad()
    def read(self, images: UInt8[Tensor, "n 3 64 64"], batch: int = 256) -> Reading:
        """Subject, artist and place of many images, in slices."""
        parts = [self(part) for part in images.split(batch)]
        return Reading(*(torch.cat([getattr(p, name) for p in parts]) for name in ("subject", "artist", "place")))


def save(encoder: EvaluationEncoder, world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = {"subjects": list(world.subjects), "artists": list(world.artists), "image_size": IMAGE_SIZE}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    write_tensors(folder / "model.safetensors", encoder.state_dict())


def load(folder: Path, world: World) -> EvaluationEncoder:
    """A world's encoder. Raises BadInput for a missing part, other classes, or weights of another shape."""
    config = read_json(folder / "config.json")
    for kind, names in (("subjects", world.subjects), ("artists", world.artists)):
        if config.get(kind) != list(names):
            raise BadInput(f"evaluation encoder {folder}: reads {kind} {config.get(kind)}, expected {', '.join(names)}")
    encoder = EvaluationEncoder(world)
    require_weights(encoder, folder / "model.safetensors")
    encoder.load_state_dict(load_file(folder / "model.safetensors"))
    return encoder.eval()
