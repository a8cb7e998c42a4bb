"""Every path of the painted world's pipeline, and its parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.devices import require_device, require_known
from pipeline.params import BadInput, load, one_line_errors
from pipeline.training import fingerprint
from pipeline.training_settings import TrainingSettings
from pipeline.world.artists import ARTIST_NAMES

HERE = Path(__file__).parent


@dataclass(frozen=True)
class VaeParams:
    channels: tuple[int, ...]
    training: TrainingSettings


@dataclass(frozen=True)
class RoundParams:
    """One round of the denoiser's training: its scenes, how often a named artist is one of the `hard` ones (a share
    `hard_share` of the named scenes; the others are uniform over all artists), and its training."""

    scenes: int
    seed: int
    hard: tuple[str, ...] | None
    hard_share: float
    training: TrainingSettings

    def __post_init__(self) -> None:
        if unknown := [name for name in self.hard or () if name not in ARTIST_NAMES]:
            raise BadInput(f"hard: unknown artist {unknown[0]!r}; expected some of {', '.join(ARTIST_NAMES)}")
        if not 0 <= self.hard_share <= 1 or (self.hard_share > 0) != bool(self.hard):
            raise BadInput(f"hard_share: expected a share in [0, 1], 0 where hard is null, got {self.hard_share}")


@dataclass(frozen=True)
class DenoiserParams:
    """The UNet's channels are multiples of 32: heads of 32 channels each."""

    channels: tuple[int, ...]
    layers_per_block: int
    text_width: int
    text_layers: int
    caption_dropout: float
    rounds: tuple[RoundParams, ...]

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
    denoiser: DenoiserParams
    encoder: EncoderParams
    measure: MeasureParams

    def __post_init__(self) -> None:
        require_known(self.device)


@dataclass(frozen=True)
class World:
    """Where the painted world's pipeline reads and writes."""

    params: WorldParams

    @property
    def model(self) -> Path:
        return Path(self.params.model)

    def latents(self, *inputs: object) -> Path:
        key = fingerprint(self.params.device, *inputs)
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
        require_device(world.params.device)
        run(world)


def read_world() -> World:
    """The world of the parameter file named on the command line, or of the params.yaml beside this file."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "params.yaml"
    return World(load(WorldParams, path))
