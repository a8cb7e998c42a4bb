"""Every path of a world's pipeline, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.profile.command_line import arguments
from pipeline.profile.scratch import fingerprint
from pipeline.profile.training_settings import TrainingSettings
from pipeline.world.worlds import WORLDS, World
from repulsion.core.errors import BadInput, one_line_errors, require_one_of
from repulsion.core.settings import Count, Device, Names, Seed, Share, Text, load, settings
from repulsion.tensors.devices import require_device

HERE = Path("profiles/world")
KINDS = ("unet", "flow")  # of denoisers; each is trained on the same latents and captions
GUIDANCE = 8.0  # at which the model is measured and shown


Channels = Annotated[int, Field(ge=8, multiple_of=8)]  # groups of the VAE's norms
WideChannels = Annotated[int, Field(ge=32, multiple_of=32)]  # attention heads of 32 channels each


@settings
class VaeParams:
    """Four resolutions: images are 8 times as large as latents."""

    channels: Annotated[tuple[Channels, ...], Field(min_length=4, max_length=4)]
    training: TrainingSettings


@settings
class RoundParams:
    """One round of the denoiser's training: its scenes, how often a named artist is one of the `hard` ones (a share
    `hard_share` of the named scenes; the others are uniform over all artists), and its training."""

    scenes: Count
    seed: Seed
    hard: Names | None
    hard_share: Share
    training: TrainingSettings

    def __post_init__(self) -> None:
        if (self.hard_share > 0) != bool(self.hard):
            raise BadInput(f"hard_share: expected more than 0, and 0 where hard is null, got {self.hard_share}")


@settings
class DenoiserParams:
    """The UNet's channels by resolution, the text encoder's width and layers, and the rounds of training."""

    channels: Annotated[tuple[WideChannels, ...], Field(min_length=1)]
    layers_per_block: Count
    text_width: WideChannels
    text_layers: Count
    caption_dropout: Annotated[float, Field(ge=0, lt=1)]
    rounds: Annotated[tuple[RoundParams, ...], Field(min_length=1)]


@settings
class FlowParams:
    """The flow transformer's folder, the side of its patches in latents, its width and layers, those of each of its two
    text encoders, and the rounds of training. `padded`: the share of batches with the padding of a missing T5."""

    model: Text
    patch: Annotated[int, Field(ge=1)]
    layers: Count
    width: WideChannels
    text_width: WideChannels
    text_layers: Annotated[int, Field(ge=2)]  # the last layer but one is what a transformer sees
    caption_dropout: Annotated[float, Field(ge=0, lt=1)]
    padded: Share
    rounds: Annotated[tuple[RoundParams, ...], Field(min_length=1)]


@settings
class EncoderTraining:
    training: TrainingSettings


@settings
class MeasureParams:
    """Numbers of images behind each measured bar, and the sampling they are drawn with."""

    renders: Count
    images_per_pair: Count
    images_base_guidance_1: Count
    images_base_guidance_8: Count
    levels: Annotated[int, Field(ge=2)]
    batch: Count
    seed: Seed


@settings
class WorldParams:
    """`world` is one of WORLDS; `flow` is null where only a UNet is trained on it."""

    world: Text
    model: Text
    results: Text
    scratch: Text
    device: Device
    vae: VaeParams
    denoiser: DenoiserParams
    flow: FlowParams | None
    encoder: EncoderTraining
    measure: MeasureParams

    def __post_init__(self) -> None:
        require_one_of(self.world, WORLDS, "world")
        artists = WORLDS[self.world].artists
        for part in (self.denoiser, self.flow) if self.flow else (self.denoiser,):
            for name in (name for one in part.rounds for name in one.hard or ()):
                require_one_of(name, artists, "hard artist")


@dataclass(frozen=True)
class Artifacts:
    """Where a world's pipeline reads and writes."""

    params: WorldParams

    @property
    def world(self) -> World:
        return WORLDS[self.params.world]

    @property
    def flow(self) -> FlowParams:
        """Raises BadInput where no flow transformer is trained on this world."""
        if self.params.flow is None:
            raise BadInput(f"flow: null for the world {self.params.world!r}; expected its parameters")
        return self.params.flow

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

    def folder(self, kind: str) -> Path:
        """Of the model with this kind of denoiser."""
        return Path(self.flow.model) if kind == "flow" else self.model

    def metrics(self, kind: str) -> Path:
        return Path(self.params.results) / {"unet": "metrics.json", "flow": "flow_metrics.json"}[kind]

    @property
    def checkpoints(self) -> Path:
        return Path(self.params.scratch) / "checkpoints"

    def curve(self, part: str) -> Path:
        return Path(self.params.results) / "curves" / f"{part}.csv"

    def checkpoint(self, part: str, *inputs: str) -> Path:
        """Where a part's training keeps its state. Other parameters, code or inputs give another name, so that no
        training is continued on other terms by mistake."""
        key = fingerprint(self.params.world, asdict(getattr(self.params, part)), self.params.device, *inputs)
        return self.checkpoints / f"{part}-{key}.safetensors"


def main(run: Callable[[Artifacts], None]) -> None:
    """The entry point of a stage: its work on the world of the command line."""
    with one_line_errors():
        run(read_artifacts(arguments([], ["params.yaml"])))


def main_of_kind(run: Callable[[Artifacts, str], None]) -> None:
    """The entry point of a stage whose work is the same for each kind of denoiser, which the command line names."""
    with one_line_errors():
        kind, *given = arguments(["KIND"], ["params.yaml"])
        require_one_of(kind, KINDS, "kind of denoiser")
        run(read_artifacts(given), kind)


def read_artifacts(given: list[str]) -> Artifacts:
    """Those of the given parameter file, or of profiles/world/params.yaml, whose device is there."""
    artifacts = Artifacts(load(WorldParams, Path(*given) if given else HERE / "params.yaml"))
    require_device(artifacts.params.device)
    return artifacts
