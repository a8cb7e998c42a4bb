"""Energies: how particles push each other in an embedding. An energy gives the mean gradient of a kernel.

phi is [n, d], one row for each particle. An energy returns, for every particle i,
(1/n) sum_j grad_{phi_i} k(phi_i, phi_j), so that stepping *against* it spreads the particles. The bandwidth h is held
constant in the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def squared_distances(phi: Float[Tensor, "n d"]) -> Float[Tensor, "n n"]:
    """|phi_i - phi_j|^2 from inner products: no n x n x d tensor. Centred first, so that a common offset, which cancels
    in the distances, does not cost digits."""
    centred = phi - phi.mean(0)
    norms = centred.square().sum(1)
    sqdist = (norms.unsqueeze(1) + norms.unsqueeze(0) - 2 * centred @ centred.T).clamp(min=0)
    return sqdist.fill_diagonal_(0)


def off_diagonal(sqdist: Float[Tensor, "n n"]) -> Float[Tensor, "n m"]:
    n = len(sqdist)
    return sqdist.flatten()[1:].view(n - 1, n + 1)[:, :-1].reshape(n, n - 1)


def median_bandwidth(sqdist: Float[Tensor, "n n"]) -> Float[Tensor, "n 1"]:
    """h = median_{i<j} |phi_i - phi_j|^2 / ln n, one number for the set (the thesis). The diagonal is left out: with it
    the median of a small set is too low."""
    h = off_diagonal(sqdist).quantile(0.5) if sqdist.numel() < 10_000_000 else off_diagonal(sqdist).median()
    return (h / math.log(len(sqdist))).expand(len(sqdist), 1)


def row_median_bandwidth(sqdist: Float[Tensor, "n n"]) -> Float[Tensor, "n 1"]:
    """h_i = median_{j != i} |phi_i - phi_j|^2 / ln(n - 1), one for each row (Particle Guidance, arXiv 2310.13102).

    At n = 2 their ln(n - 1) is 0; ln 2 stands in for it.
    """
    return off_diagonal(sqdist).median(1, keepdim=True).values / math.log(max(len(sqdist) - 1, 2))


BANDWIDTHS: dict[str, Callable[[Float[Tensor, "n n"]], Float[Tensor, "n 1"]]] = {
    "median": median_bandwidth,
    "row_median": row_median_bandwidth,
}


def rbf(phi: Float[Tensor, "n d"], bandwidth: str) -> Float[Tensor, "n d"]:
    """Mean gradient of k = exp(-|a - b|^2 / h): (1/n) sum_j -(2 / h_i) k_ij (phi_i - phi_j).

    Zero for one particle, and for particles that are all identical (a direction that does not exist is no force).
    """
    n = len(phi)
    if n == 1:
        return torch.zeros_like(phi)
    sqdist = squared_distances(phi)
    h = BANDWIDTHS[bandwidth](sqdist).clamp(min=torch.finfo(phi.dtype).tiny)
    k = torch.exp(-sqdist / h)
    # where more than half of the particles coincide h is 0: the coinciding pairs then have no direction and the others
    # no weight, so that the sum is 0 and must not be divided by 0
    push = (phi - phi.mean(0)) * k.sum(1, keepdim=True) - k @ (phi - phi.mean(0))
    return torch.where(h > torch.finfo(phi.dtype).tiny, -2 / (n * h) * push, 0)


ENERGIES: dict[str, Callable[[Float[Tensor, "n d"], str], Float[Tensor, "n d"]]] = {"rbf": rbf}
