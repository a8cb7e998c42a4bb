"""Encoders: images -> feature vectors of every space, in one pass. Another encoder is one more entry of ENCODERS.

An encoder is built from its weights' place and a device, and encodes uint8 NHWC images in [0, 255].
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from unittest import mock

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pipeline.encoders import evaluation_encoder
from pipeline.encoders.feature_spaces import feature_vectors
from pipeline.encoders.nearest_render import render_error
from pipeline.encoders.weights_file import require_weights_of
from pipeline.profile.sections import EncoderParams
from pipeline.sets.feature_sets import READERS
from pipeline.world.scene import IMAGE_SIZE
from pipeline.world.worlds import WORLDS, World
from repulsion.core.errors import BadInput, one_line, require_one_of


@dataclass(frozen=True)
class Encoder:
    """`encode` gives the vectors of images; `classes` names the columns of its readings, where it reads any."""

    encode: Callable[[UInt8[np.ndarray, "n h w 3"]], dict[str, Float[Tensor, "n _"]]]
    classes: dict[str, tuple[str, ...]]


INCEPTION_BLOCKS = (0, 1, 3)  # 64 and 192 channels, and pool3


def world_encoder(world: World, weights: Path, device: str) -> Encoder:
    """A world's own encoder, in the folder `weights`. Besides the spaces it gives its readings."""
    network = evaluation_encoder.load(weights, world).to(device)

    @torch.no_grad()
    def encode(images: UInt8[np.ndarray, "n h w 3"]) -> dict[str, Tensor]:
        if images.shape[1:3] != (IMAGE_SIZE, IMAGE_SIZE):
            size = "x".join(map(str, images.shape[1:3]))
            raise BadInput(f"encoder {world.name}_world: expected images of {IMAGE_SIZE}x{IMAGE_SIZE}, got {size}")
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
        blocks = network.blocks(pixels.to(device))
        reading = network.heads(blocks)
        vectors = feature_vectors(blocks.early, blocks.middle, blocks.pooled)
        subject, artist, place = (column.cpu() for column in (reading.subject, reading.artist, reading.place))
        error = render_error(world, pixels, subject.argmax(1), artist.argmax(1), place)
        return vectors | {"subject": subject, "artist": artist, "place": place, "render_error": error.unsqueeze(1)}

    return Encoder(encode, {"subject": world.subjects, "artist": world.artists})


def inception(weights: Path, device: str) -> Encoder:
    """FID's InceptionV3, by clean-fid, after its antialiased bicubic resize to 299 x 299. `weights` is the file
    that `make fetch` gets."""
    torch.backends.cudnn.allow_tf32 = False  # a GPU's default rounds convolutions to three digits
    network = load_inception(weights).to(device).eval()

    @torch.no_grad()
    def encode(images: UInt8[np.ndarray, "n h w 3"]) -> dict[str, Tensor]:
        early, middle, pooled = network(inception_input(images).to(device))
        return feature_vectors(early, middle, pooled.flatten(1))

    return Encoder(encode, {})


def inception_input(images: UInt8[np.ndarray, "n h w 3"]) -> Float[Tensor, "n 3 299 299"]:
    """clean-fid's resize, to [0, 1]."""
    from cleanfid.resize import build_resizer

    with ThreadPoolExecutor() as pool:  # Pillow lets other threads run while it resizes
        resized = list(pool.map(build_resizer("clean"), images))
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255


def load_inception(weights: Path) -> torch.nn.Module:
    """clean-fid's network. It offers no argument for a local file: its download is replaced by one."""
    from cleanfid import inception_pytorch

    def state(url: str, progress: bool) -> dict[str, Tensor]:
        return torch.load(weights, map_location="cpu", weights_only=True)

    try:
        with mock.patch.object(inception_pytorch, "load_state_dict_from_url", state), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # clean-fid passes torchvision deprecated arguments
            return inception_pytorch.InceptionV3(output_blocks=INCEPTION_BLOCKS, resize_input=False)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        raise BadInput(f"encoder inception: {weights} cannot be used: {one_line(error)}") from None


ENCODERS: dict[str, Callable[[Path, str], Encoder]] = {
    **{name: partial(world_encoder, WORLDS[world]) for name, world in READERS.items()},
    "inception": inception,
}


def load_encoder(p: EncoderParams, device: str) -> Encoder:
    """A profile's encoder. Raises BadInput for an unknown name, and for weights that are missing or not as expected."""
    require_one_of(p.name, ENCODERS, "encoder")
    require_weights_of(p)
    return ENCODERS[p.name](Path(p.weights), device)
