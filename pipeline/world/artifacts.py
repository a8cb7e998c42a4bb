"""Every path of the painted world's pipeline, and its parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pipeline.params import BadInput, load, one_line_errors
from pipeline.training import TrainingSettings, fingerprint

HERE = Path(__file__).parent
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class VaeParams:
    channels: tuple[int, ...]
    training: TrainingSettings


@dataclass(frozen=True)
class LatentsParams:
    scenes: int
    seed: int


@dataclass(frozen=True)
class DenoiserParams:
    """The UNet's channels are multiples of 32: heads of 32 channels each."""

    channels: tuple[int, ...]
    layers_per_block: int
    text_width: int
    text_layers: int
    caption_dropout: float
    training: TrainingSettings

    def __post_init__(self) -> None:
        if wrong := [c for c in self.channels if c < 32 or c % 32]:
            raise BadInput(f"channels: expected multiples of 32, got {wrong[0]}")
        if not 0 <= self.caption_dropout < 1:
            raise BadInput(f"caption_dropout: expected a share in [0, 1), got {self.caption_dropout}")


@dataclass(frozen=True)
class EncoderParams:
    training: TrainingSettings


@dataclass(frozen=True)
class MeasureParams:
    """Numbers of images behind each measured bar, and the sampling they are drawn with."""

    renders: int
    images_per_pair: int
    images_base_guidance_1: int
    images_base_guidance_8: int
    levels: int
    batch: int
    seed: int


@dataclass(frozen=True)
class WorldParams:
    model: str
    results: str
    scratch: str
    device: str
    vae: VaeParams
    latents: LatentsParams
    denoiser: DenoiserParams
    encoder: EncoderParams
    measure: MeasureParams

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise BadInput(f"device: expected one of {', '.join(DEVICES)}, got {self.device!r}")


@dataclass(frozen=True)
class World:
    """Where the painted world's pipeline reads and writes."""

    params: WorldParams

    @property
    def model(self) -> Path:
        return Path(self.params.model)

    def latents(self, *inputs: str) -> Path:
        key = fingerprint(asdict(self.params.latents), self.params.device, *inputs)
        return Path(self.params.scratch) / f"latents-{key}.safetensors"

    @property
    def vae(self) -> Path:
        return self.model / "vae"

    @property
    def encoder(self) -> Path:
        return self.model / "encoder"

    @property
    def metrics(self) -> Path:
        return Path(self.params.results) / "metrics.json"

    @property
    def checkpoints(self) -> Path:
        return Path(self.params.scratch) / "checkpoints"

    def curve(self, part: str) -> Path:
        return Path(self.params.results) / "curves" / f"{part}.csv"

    def checkpoint(self, part: str, *inputs: str) -> Path:
        """Where a part's training keeps its state. Other parameters, code or inputs give another name, so that no
        training is continued on other terms by mistake."""
        key = fingerprint(asdict(getattr(self.params, part)), self.params.device, *inputs)
        return self.checkpoints / f"{part}-{key}.safetensors"


def main(run: Callable[[World], None]) -> None:
    """The entry point of a stage: its work on the world of the command line."""
    with one_line_errors():
        world = read_world()
        if world.params.device == "cuda" and not torch.cuda.is_available():
            raise BadInput("device: cuda, but torch finds no CUDA device here; expected cpu")
        run(world)


def read_world() -> World:
    """The world of the parameter file named on the command line, or of the params.yaml beside this file."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "params.yaml"
    return World(load(WorldParams, path))
