"""How a model computes: number format, memory layout, sizes of calls."""

from __future__ import annotations

from typing import Literal

from repulsion.core.errors import BadInput
from repulsion.core.settings import Count, settings


@settings
class ComputeParams:
    """How a model computes. `dtype`: the number format of its weights and of what goes through them (latents and forces
    stay float32). `channels_last`: memory layout. `compile`: the network by torch.compile. `offload`: parts stay on the
    CPU until they are called. `gradient_batch`: latents in one call of the network with a backward pass,
    which takes several times the memory; `decode_batch`: latents in one call of the decoder."""

    dtype: Literal["float32", "float16", "bfloat16"]
    channels_last: bool
    compile: bool
    offload: bool
    gradient_batch: Count
    decode_batch: Count

    def __post_init__(self) -> None:
        if self.compile and self.offload:
            raise BadInput("compile and offload: expected one of them at most; what is compiled stays where it is")
