"""Statistics of pictures and readings: the numbers behind the bars."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from torch import Tensor

from repulsion.tensors.noise import keyed_generator

RESAMPLES = 2000


def psnr(a: UInt8[Tensor, "n 3 h w"], b: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Peak signal to noise ratio (dB, peak 255) of each pair of images; infinite for equal ones."""
    return 10 * torch.log10(255**2 / (a.float() - b.float()).square().mean((1, 2, 3)))


def interval(values: Shaped[Tensor, " n *rest"], statistic: Callable[[Tensor], float], seed: int) -> list[float]:
    """95% percentile bootstrap interval of a statistic of n independent images."""
    generator = keyed_generator(seed, "bootstrap", 0)
    draws = [
        statistic(values[torch.randint(len(values), (len(values),), generator=generator)]) for _ in range(RESAMPLES)
    ]
    return torch.quantile(torch.tensor(draws), torch.tensor([0.025, 0.975])).tolist()


def shares(artist: Int[Tensor, " n"], artists: int) -> Float[Tensor, " artists"]:
    return torch.bincount(artist, minlength=artists) / len(artist)


def effective_number(artist: Int[Tensor, " n"]) -> float:
    """exp of the entropy (nats) of the artist shares: 1 for one artist."""
    return torch.special.entr(shares(artist, 1)).sum().exp().item()


def place_spread(place: Float[Tensor, "n 2"]) -> float:
    """Root mean square, over x and y, of the standard deviation of places, in shares of the image's side."""
    return place.var(0).mean().sqrt().item()


def accuracy(right: Bool[Tensor, " n"]) -> float:
    return right.float().mean().item()
