"""The sections of a profile's params.yaml, each checked by itself."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.params import BadInput, require_at_least, require_unique
from pipeline.training_settings import TrainingSettings

SPLITS = ("test", "development", "all")
DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class SourceParams:
    """Where a model is downloaded from: a repository of the Hugging Face hub, and a commit, tag or branch of it."""

    repository: str
    revision: str


@dataclass(frozen=True)
class ComputeParams:
    """How a model computes. `dtype`: the number format of its weights and of what goes through them (latents and forces
    stay float32). `channels_last`: memory layout. `compile`: the UNet by torch.compile. `offload`: parts wait on the
    CPU until they are called. `gradient_batch`: latents in one call of the UNet that a gradient goes back through,
    which takes several times the memory; `decode_batch`: latents in one call of the decoder."""

    dtype: str
    channels_last: bool
    compile: bool
    offload: bool
    gradient_batch: int
    decode_batch: int

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise BadInput(f"dtype: expected one of {', '.join(DTYPES)}, got {self.dtype!r}")
        for name in ("gradient_batch", "decode_batch"):
            require_at_least(name, getattr(self, name), 1)
        if self.compile and self.offload:
            raise BadInput("compile and offload: expected one of them at most; what is compiled stays where it is")


@dataclass(frozen=True)
class PromptParams:
    """`source`: a CSV with the columns prompt_id, prompt and split (test or development). `only`: some of its ids, or
    null for all of the split. Every artist's name is put behind each prompt for the reference. `every_artist`: methods
    are asked for the prompt by all artists at once, cut where the model's text ends, as in the thesis."""

    source: str
    split: str
    only: tuple[str, ...] | None
    artists: tuple[str, ...] | None  # null: the painted world's
    every_artist: bool

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise BadInput(f"split: expected one of {', '.join(SPLITS)}, got {self.split!r}")
        require_unique(self.only or (), "only")
        require_unique(self.artists or (), "artists")


@dataclass(frozen=True)
class SamplingParams:
    """`sets` particle sets of `particles` images for each prompt and method. `batch`: latents in one UNet call."""

    schedule: str
    levels: int
    guidance_scale: float
    particles: int
    sets: int
    batch: int
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("levels", 2), ("particles", 1), ("sets", 1), ("batch", 1), ("guidance_scale", 1)):
            require_at_least(name, getattr(self, name), least)

    def of_a_set(self) -> dict[str, str | int | float]:
        """What one particle set depends on, besides its own prompt, particles and seed: a batch rounds differently."""
        return {name: getattr(self, name) for name in ("schedule", "levels", "guidance_scale", "batch")}


@dataclass(frozen=True)
class ReferenceParams:
    """A set that is not a method's: `kind` is one of reference.REFERENCES."""

    kind: str
    images_per_artist: int
    seed: int

    def __post_init__(self) -> None:
        require_at_least("images_per_artist", self.images_per_artist, 1)


@dataclass(frozen=True)
class StyleClassifierParams:
    """Trained on "a painting of a {subject}, by {artist}". `train` and `held_out` are trajectories of each prompt;
    `renoised` is the share of training latents that are a last latent with fresh noise; `width` and `features` are the
    network's."""

    folder: str
    subjects: tuple[str, ...]
    train: int
    held_out: int
    renoised: float
    width: int
    features: int
    seed: int
    training: TrainingSettings

    def __post_init__(self) -> None:
        for name in ("train", "held_out", "width", "features"):
            require_at_least(name, getattr(self, name), 1)
        if not 0 <= self.renoised <= 1:
            raise BadInput(f"renoised: expected a share in [0, 1], got {self.renoised}")


@dataclass(frozen=True)
class EncoderParams:
    """`name` is one of encoders.ENCODERS; `weights` is its folder, or its file with its sha256."""

    name: str
    weights: str
    sha256: str | None
    batch: int

    def __post_init__(self) -> None:
        require_at_least("batch", self.batch, 1)
