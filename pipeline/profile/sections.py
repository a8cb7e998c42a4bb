"""The sections of a profile's params.yaml, each validated by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.profile.training_settings import TrainingSettings
from repulsion.core.errors import BadInput, require_unique
from repulsion.core.settings import MAX_IMAGES, Count, Names, Seed, Share, Text, settings


@settings
class SourceParams:
    """Where a model is downloaded from: a repository of the Hugging Face hub, and a commit, tag or branch of it."""

    repository: Text
    revision: Text


@settings
class PromptParams:
    """`source`: a CSV with the columns prompt_id, prompt and split (test or development). `only`: some of its ids, or
    null for all of the split. Every artist's name is put behind each prompt for the reference. `every_artist`: methods
    give the model the prompt by all artists at once, cut where the model's text ends, as in the thesis."""

    source: Text
    split: Literal["test", "development", "all"]
    only: Names | None
    artists: Names | None  # null: the world's
    every_artist: bool

    def __post_init__(self) -> None:
        require_unique(self.only or (), "only")
        require_unique(self.artists or (), "artists")


@settings
class SamplingParams:
    """`sets_per_prompt` particle sets of `particles` images each, for each prompt and method. `batch`: latents in one
    call of the denoiser."""

    schedule: Text
    levels: Annotated[int, Field(ge=2, le=1000)]
    guidance_scale: Annotated[float, Field(ge=1)]
    particles: Count
    sets_per_prompt: Count
    batch: Count
    seed: Seed

    def __post_init__(self) -> None:
        if not 2 <= self.images <= MAX_IMAGES:
            raise BadInput(
                f"sets of particles: expected from 2 to {MAX_IMAGES} images for each prompt, "
                f"got {self.sets_per_prompt} x {self.particles} = {self.images}"
            )

    @property
    def images(self) -> int:
        """Of each prompt and method."""
        return self.particles * self.sets_per_prompt

    def of_a_set(self) -> dict[str, str | int | float]:
        """What one particle set depends on, besides its own prompt, particles and seed: a batch rounds differently."""
        return {name: getattr(self, name) for name in ("schedule", "levels", "guidance_scale", "batch")}


@settings
class ReferenceParams:
    """A set that is not a method's: sampled from the prompts by every artist (`named`), or true renders."""

    kind: Literal["named", "rendered"]
    images_per_artist: Count
    seed: Seed


@settings
class StyleClassifierParams:
    """Trained on "a painting of a {subject}, by {artist}", or a drawing. `train` and `held_out` are trajectories
    of each prompt; `renoised` is the share of training latents that are a last latent with fresh noise; `width` and
    `features` are the network's."""

    folder: Text
    subjects: Names
    train: Count
    held_out: Count
    renoised: Share
    width: Annotated[int, Field(ge=1, le=4096)]
    features: Annotated[int, Field(ge=1, le=65536)]
    seed: Seed
    training: TrainingSettings

    def __post_init__(self) -> None:
        require_unique(self.subjects, "subjects")


@settings
class EncoderParams:
    """`name` is one of ENCODERS in pipeline.encoders.encoders; `weights` is its folder, or its file with its sha256 (or
    the first digits of it)."""

    name: Text
    weights: Text
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")] | None
    batch: Count
