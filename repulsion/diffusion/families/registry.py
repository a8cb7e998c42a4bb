"""FAMILIES: the supported classes of diffusers' pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repulsion.core.errors import BadInput
from repulsion.diffusion.families.family import Family
from repulsion.diffusion.families.flux import Flux
from repulsion.diffusion.families.pixart_sigma import PixArtSigma
from repulsion.diffusion.families.stable_diffusion import StableDiffusion
from repulsion.diffusion.families.stable_diffusion_3 import StableDiffusion3
from repulsion.diffusion.families.stable_diffusion_xl import StableDiffusionXL

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


def supported_family(pipe: DiffusionPipeline) -> Family:
    """The same, and its parts fit each other. Raises BadInput where they do not."""
    family = family_of(pipe)
    family.require_supported("pipe")
    return family
