"""The numbers of one training. Apart from the loop, so that reading parameters does not import torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from repulsion.core.settings import Count, NotNegative, Positive, Seed, settings


@settings
class TrainingSettings:
    """AdamW, gradients clipped to norm 1, a linear warm-up and a cosine decay to zero. `warmup` is a share of the steps
    and `ema` the decay of the averaged weights, both in [0, 1)."""

    steps: Count
    batch: Count
    peak_lr: Positive
    warmup: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NotNegative
    ema: Annotated[float, Field(ge=0, lt=1)]
    checkpoint_every: Count
    seed: Seed
