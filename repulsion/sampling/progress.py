"""An unfinished particle set, kept in a file: noise is keyed, so that x after a level is all that a set needs to go on.

A set whose levels are fast is kept at its end alone: a kill costs KEEP_EVERY seconds at most, or one level where that
takes longer.
"""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass, field
from pathlib import Path

import torch

from repulsion.diffusion.levels import Latents
from repulsion.sampling.sampler import Evaluation
from repulsion.tensors.weights import read_kept, write_tensors

KEEP_EVERY = 30.0  # seconds


@dataclass
class Progress:
    """`levels` noise levels are done, x is where they led, and this is what was recorded on the way: the evaluations
    of the drift with repulsion, and latents through the denoiser, forwards and backwards."""

    x: Latents | None = None
    levels: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    passes: int = 0
    backward_passes: int = 0


class Keeper:
    """The progress of one set in the file `path`, or nowhere (None)."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.last = path, time.monotonic()

    def read(self) -> Progress:
        """As it was kept, on the CPU; a new one where there is none, or where the file is not whole."""
        kept = read_kept(self.path) if self.path else None
        if kept is None:
            return Progress()
        rows = kept["evaluations"].tolist()
        levels, passes, backward_passes = kept["counts"].tolist()
        evaluations = [Evaluation(int(level), *norms) for level, *norms in rows]
        return Progress(kept["x"], levels, evaluations, passes, backward_passes)

    def write(self, progress: Progress, at_once: bool) -> None:
        """Keep the progress, where the last time is more than KEEP_EVERY seconds ago, or `at_once`."""
        if self.path is None or not (at_once or time.monotonic() - self.last > KEEP_EVERY):
            return
        rows = [astuple(e) for e in progress.evaluations]
        write_tensors(
            self.path,
            {
                "x": progress.x,
                "evaluations": torch.tensor(rows, dtype=torch.float64).view(-1, 4),
                "counts": torch.tensor([progress.levels, progress.passes, progress.backward_passes]),
            },
        )
        self.last = time.monotonic()
