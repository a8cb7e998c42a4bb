"""Slices of a batch: row-wise work on more rows than a device holds at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

RowWise = Callable[[Tensor, slice], Tensor]


def slices(rows: int, batch: int) -> list[slice]:
    return [slice(k, k + batch) for k in range(0, rows, batch)]


def sliced(function: RowWise, x: Tensor, batch: int, gradient_batch: int | None = None) -> Tensor:
    """function(x[s], s) for slices s of at most `batch` rows, joined: any number of rows in the memory of one slice.

    The function works row by row, so that slices change nothing but rounding. Where x requires a gradient, the backward
    pass goes by slices too, of at most `gradient_batch` rows (as many as forwards, where it is not given).
    """
    return Sliced.apply(x, function, batch, gradient_batch or batch)


class Sliced(torch.autograd.Function):
    """`sliced` for autograd, in x's number format outside. One slice keeps its graph, for as long as the result lives.
    Of several, each is computed again in the backward pass: their graphs would not fit together."""

    @staticmethod
    def forward(ctx, x: Tensor, function: RowWise, batch: int, gradient_batch: int) -> Tensor:
        ctx.x, ctx.function, ctx.gradient_batch, ctx.graph = x.detach(), function, gradient_batch, None
        if ctx.needs_input_grad[0] and len(x) <= min(batch, gradient_batch):
            ctx.graph = graph(function, x, slice(0, len(x)))
            parts = [ctx.graph[1].detach()]
        else:
            parts = [function(x[s], s) for s in slices(len(x), batch)]
        return torch.cat(parts).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        def pulled_back(s: slice) -> Tensor:
            leaf, rows = ctx.graph or graph(ctx.function, ctx.x[s], s)
            # to the middle of float16's narrow range and back, by a power of two, which rounds nothing
            scale = 2.0 ** math.frexp(gradient[s].abs().max().item())[1]
            # a graph that is kept may be differentiated again
            (pulled,) = torch.autograd.grad(rows, leaf, (gradient[s] / scale).to(rows), retain_graph=bool(ctx.graph))
            return pulled * scale

        parts = [pulled_back(s) for s in slices(len(ctx.x), ctx.gradient_batch)]
        return torch.cat(parts), None, None, None


def graph(function: RowWise, x: Tensor, s: slice) -> tuple[Tensor, Tensor]:
    """function(x, s) and the leaf that it is differentiated by."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        return leaf, function(leaf, s)
