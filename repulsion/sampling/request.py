"""A request for one particle set, and whether a method can meet it on a pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.diffusion.families.family import Family, Size
from repulsion.forces.style_classifier import CHANNELS, StyleClassifier
from repulsion.sampling.methods import Method


@dataclass(frozen=True)
class SetRequest:
    """Inputs for sampling one particle set: `texts` is one text for all particles or one for each; noise is keyed by
    (seed, prompt_id, index). `batch`, `gradient_batch`, `decode_batch`: latents in one call of the network, of the
    network with a backward pass, of the decoder where a space needs it. `name` is what errors call the set."""

    texts: str | list[str]
    seed: int
    prompt_id: str
    schedule: str
    levels: int
    guidance_scale: float
    batch: int
    gradient_batch: int
    decode_batch: int
    name: str
    height: int | None = None  # of an image, in pixels; None: the model's own size
    width: int | None = None
    negative_prompt: str | None = None  # None: what the pipeline's own call takes

    @property
    def size(self) -> Size:
        return self.height, self.width


def require_fitting(
    family: Family, method: Method, r: SetRequest, classifier: StyleClassifier | None, protected: Tensor | None = None
) -> None:
    """Raise BadInput for a method that cannot act on this pipeline's latents or guidance, or through networks that were
    loaded without a way for gradients; and for protected latents that it would not look at, or could not."""
    require_guidance(family, method, r)
    for part, does in ((method.select, "selects among candidates"), (method.protect, "makes a protected set")):
        if part and not isinstance(r.texts, str):
            raise BadInput(f"{r.name}: a method that {does} expects one text for all, got a list")
    channels, *size = family.latent_shape(r.size)
    if protected is not None and not method.protects:
        raise BadInput(f"{r.name}: protected latents, and no repulsion that is protected")
    if protected is not None and (of := tuple(protected.shape[1:])) != (channels, *size):
        raise BadInput(f"{r.name}: protected: expected latents [m, {channels}, {size[0]}, {size[1]}], got [m, *{of}]")
    found = "x".join(map(str, (channels, *size)))
    used = classifier if method.needs("classifier") else None
    if used and [channels, *size] != [CHANNELS, used.latent_size, used.latent_size]:
        side = used.latent_size
        raise BadInput(f"{r.name}: expected latents of the style classifier's {CHANNELS}x{side}x{side}, got {found}")
    through = [family.network] if method.through_denoiser else []
    through += [family.pipe.vae] if method.needs("decode") else []
    through += [used] if used else []
    if any(p.is_inference() for part in through for p in part.parameters()):
        raise BadInput(
            f"{r.name}: gradients through a model that was loaded in torch.inference_mode(); load it outside"
        )


def require_guidance(family: Family, method: Method, r: SetRequest) -> None:
    """Raise BadInput for what needs a pass without the prompt, or a scale, where the network has none."""
    model, row = f"a {type(family.pipe).__name__}", method.guidance
    if family.guidance == "classifier-free":
        return
    if r.negative_prompt is not None:
        raise BadInput(f"{r.name}: {model} that is guidance-distilled has no pass for a negative prompt")
    if family.guidance == "none" and (row or r.guidance_scale != 1):
        scale = row.scale if row else r.guidance_scale
        raise BadInput(f"{r.name}: {model} without guidance takes no guidance scale (1 means none), got {scale}")
    if row and row.projects:
        raise BadInput(
            f"{r.name}: projected guidance needs a pass without the prompt; {model} that is distilled has none"
        )
    if row and (row.sigma_min > 0 or row.sigma_max is not None):
        raise BadInput(
            f"{r.name}: a guidance interval needs a pass without guidance; {model} that is guidance-distilled has none"
        )
