"""Micro-batches: work on more rows than a device holds at once, each part's result kept until the whole is there."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from repulsion.tensors.weights import read_kept, write_tensors

Results = dict[str, Tensor]


class Journal:
    """Results of micro-batches, kept in a folder in the order in which they are asked for: a run that was killed and
    asks again in the same order finds all but the last. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.asked = 0

    def kept(self, make: Callable[[], Results]) -> Results:
        """The next result: as it was kept, on the CPU, or made and kept. One that cannot be read is made again."""
        if self.folder is None:
            return make()
        path = self.folder / f"{self.asked:06d}.safetensors"
        self.asked += 1
        if (kept := read_kept(path)) is not None:
            return kept
        results = make()
        write_tensors(path, results)
        return results

    def clear(self) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


RowWise = Callable[[Tensor, slice], Tensor]


def slices(rows: int, batch: int) -> list[slice]:
    return [slice(k, k + batch) for k in range(0, rows, batch)]


def sliced(
    function: RowWise, x: Tensor, batch: int, journal: Journal | None = None, gradient_batch: int | None = None
) -> Tensor:
    """function(x[s], s) for slices s of at most `batch` rows, joined: any number of rows in the memory of one slice.

    The function works row by row, so that slices change nothing but rounding. Where x asks for a gradient, the backward
    pass goes by slices too, of at most `gradient_batch` rows (as many as forwards, where it is not given).
    """
    return Sliced.apply(x, function, batch, gradient_batch or batch, journal or Journal())


class Sliced(torch.autograd.Function):
    """`sliced` for autograd, in x's number format outside. One slice keeps its graph, for as long as the result lives.
    Of several, each is computed again in the backward pass: their graphs would not fit together."""

    @staticmethod
    def forward(ctx, x: Tensor, function: RowWise, batch: int, gradient_batch: int, journal: Journal) -> Tensor:
        ctx.x, ctx.function, ctx.journal = x.detach(), function, journal
        ctx.gradient_batch, ctx.graph = gradient_batch, None

        def make(s: slice) -> Results:
            if not ctx.needs_input_grad[0] or len(x) > min(batch, gradient_batch):
                return {"rows": function(x[s], s)}
            ctx.graph = graph(function, x, s)
            return {"rows": ctx.graph[1].detach()}

        parts = [journal.kept(lambda s=s: make(s))["rows"].to(x.device) for s in slices(len(x), batch)]
        return torch.cat(parts).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        def make(s: slice) -> Results:
            leaf, rows = ctx.graph or graph(ctx.function, ctx.x[s], s)
            # to the middle of float16's narrow range and back, by a power of two, which rounds nothing
            scale = 2.0 ** math.frexp(gradient[s].abs().max().item())[1]
            # a graph that is kept may be asked again
            (pulled,) = torch.autograd.grad(rows, leaf, (gradient[s] / scale).to(rows), retain_graph=bool(ctx.graph))
            return {"rows": pulled * scale}

        todo = slices(len(ctx.x), ctx.gradient_batch)
        parts = [ctx.journal.kept(lambda s=s: make(s))["rows"].to(gradient.device) for s in todo]
        return torch.cat(parts), None, None, None, None


def graph(function: RowWise, x: Tensor, s: slice) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        return leaf, function(leaf, s)


def forget_others(mine: Path) -> None:
    """Delete what stands beside a folder of unfinished work: results of other inputs."""
    for other in mine.parent.iterdir() if mine.parent.is_dir() else ():
        if other != mine:
            shutil.rmtree(other)
