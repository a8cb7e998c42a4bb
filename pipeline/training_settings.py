"""The numbers of one training. Apart from the loop, so that reading parameters does not import torch."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.params import BadInput, require_at_least


@dataclass(frozen=True)
class TrainingSettings:
    """AdamW, gradients clipped to norm 1, a linear warm-up and a cosine decay to zero. `warmup` is a share of the steps
    and `ema` the decay of the averaged weights, both in [0, 1)."""

    steps: int
    batch: int
    peak_lr: float
    warmup: float
    weight_decay: float
    ema: float
    checkpoint_every: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every"):
            require_at_least(name, getattr(self, name), 1)
        for name in ("warmup", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise BadInput(f"{name}: expected a number in [0, 1), got {getattr(self, name)}")
