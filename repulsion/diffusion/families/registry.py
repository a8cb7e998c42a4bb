"""FAMILIES: the supported classes of diffusers' pipelines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from repulsion.core.errors import BadInput
from repulsion.core.files import read_json
from repulsion.diffusion.families.family import Family
from repulsion.diffusion.families.flux import Flux
from repulsion.diffusion.families.pixart_sigma import PixArtSigma
from repulsion.diffusion.families.stable_diffusion import StableDiffusion
from repulsion.diffusion.families.stable_diffusion_3 import StableDiffusion3
from repulsion.diffusion.families.stable_diffusion_xl import StableDiffusionXL
from repulsion.diffusion.model import load_scheduler
from repulsion.diffusion.model_folder import config_path, layout_of, pipeline_name

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

FAMILIES: dict[str, type[Family]] = {
    "StableDiffusionPipeline": StableDiffusion,
    "StableDiffusionXLPipeline": StableDiffusionXL,
    "StableDiffusion3Pipeline": StableDiffusion3,
    "FluxPipeline": Flux,
    "PixArtSigmaPipeline": PixArtSigma,
}


def family_of(pipe: DiffusionPipeline) -> Family:
    """The family of a pipeline, by its class or the nearest that it is made from; by name, as importing a pipeline
    takes seconds. Raises BadInput for an unknown class."""
    names = [kind.__name__ for kind in type(pipe).__mro__]
    for name in names:
        if name in FAMILIES:
            return FAMILIES[name](pipe)
    raise BadInput(f"pipe: pipeline {names[0]}; supported: {', '.join(FAMILIES)}")


def family_of_folder(folder: Path) -> Family:
    """The family of a model's folder from its configurations, without its networks: it knows noise levels, times and
    the shape of latents. Raises BadInput for a folder or a scheduler that is not supported."""
    from diffusers.configuration_utils import FrozenDict  # seconds, which the checks of a folder should not cost

    layout = layout_of(folder)
    configs = {part: FrozenDict(read_json(config_path(folder, part))) for part in layout.networks}
    parts = {part: SimpleNamespace(config=config) for part, config in configs.items()}
    return FAMILIES[pipeline_name(folder)](SimpleNamespace(**parts, scheduler=load_scheduler(folder)))


def supported_family(pipe: DiffusionPipeline) -> Family:
    """The same, and its parts fit each other. Raises BadInput where they do not."""
    family = family_of(pipe)
    family.require_supported("pipe")
    return family
