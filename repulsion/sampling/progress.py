"""An unfinished particle set, kept in a file. Noise is keyed: x after a level is all that a set needs to resume.

x is kept after every level of a set that takes a minute or more, and after the last level of any: a kill costs at most
one noise level, or a set of less than a minute.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import astuple, dataclass, field
from pathlib import Path

import torch

from repulsion.diffusion.levels import Latents
from repulsion.sampling.sampler import Evaluation
from repulsion.tensors.weights import read_kept, write_tensors

KEEP_FROM = 60.0  # seconds that a set takes


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
    """The progress of one set in the file `path`, or nowhere (None). `of` is what the set depends on besides the
    model: what was kept for another one is not continued."""

    def __init__(self, path: Path | None, of: object) -> None:
        self.path, self.start, self.first = path, time.monotonic(), 0
        self.key = torch.tensor(list(hashlib.sha256(repr(of).encode()).digest()), dtype=torch.uint8)

    def read(self) -> Progress:
        """As it was kept, on the CPU; a new one where there is none, where the file is not whole, or of another set."""
        kept = read_kept(self.path) if self.path else None
        if kept is None or not torch.equal(kept["key"], self.key):
            return Progress()
        rows = kept["evaluations"].tolist()
        levels, passes, backward_passes = kept["counts"].tolist()
        evaluations = [Evaluation(int(level), *norms) for level, *norms in rows]
        self.start, self.first = time.monotonic(), levels
        return Progress(kept["x"], levels, evaluations, passes, backward_passes)

    def write(self, progress: Progress, total: int) -> None:
        """Keep the progress after one of `total` levels, where these take KEEP_FROM seconds at the pace so far."""
        pace = (time.monotonic() - self.start) / (progress.levels - self.first)
        if self.path is None or (progress.levels < total and pace * total < KEEP_FROM):
            return
        rows = [astuple(e) for e in progress.evaluations]
        write_tensors(
            self.path,
            {
                "key": self.key,
                "x": progress.x,
                "evaluations": torch.tensor(rows, dtype=torch.float64).view(-1, 4),
                "counts": torch.tensor([progress.levels, progress.passes, progress.backward_passes]),
            },
        )
