"""Repulsion between the samples of one prompt, for diffusion models: a prompt's images, denoised together.

    images = repel(pipe, "a painting of a vase", "channel_average", n=16, seed=0)

`pipe` is a pipeline of diffusers: Stable Diffusion 1 to 3, SDXL, FLUX.1 or PixArt-Sigma. `sample` is the loop under it,
for any denoise(x, sigma). The other parts of a Method are in repulsion.sampling.methods (Correction, Spread, Selection)
and repulsion.sampling.conditions (Guidance, Anneal). After A. Pondaven, Improving Diversity of Diffusion Models using
Particle Methods (thesis, 2023), which comments call the thesis. Names are imported when they are first used: `import
repulsion` does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repulsion.core.errors import BadInput
    from repulsion.diffusion.levels import noise_levels
    from repulsion.forces.embeddings import Context
    from repulsion.forces.registry import register
    from repulsion.forces.repulsion import Repulsion, Strength
    from repulsion.forces.style_classifier import StyleClassifier
    from repulsion.sampling.methods import Method, load_methods
    from repulsion.sampling.repel import repel
    from repulsion.sampling.sampler import sample

__version__ = "0.2.0"
_WHERE = {
    "BadInput": "core.errors",
    "Context": "forces.embeddings",
    "Method": "sampling.methods",
    "Repulsion": "forces.repulsion",
    "Strength": "forces.repulsion",
    "StyleClassifier": "forces.style_classifier",
    "load_methods": "sampling.methods",
    "noise_levels": "diffusion.levels",
    "register": "forces.registry",
    "repel": "sampling.repel",
    "sample": "sampling.sampler",
}
__all__ = [
    "BadInput",
    "Context",
    "Method",
    "Repulsion",
    "Strength",
    "StyleClassifier",
    "__version__",
    "load_methods",
    "noise_levels",
    "register",
    "repel",
    "sample",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'repulsion' has no attribute {name!r}")
    return getattr(import_module(f"repulsion.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
