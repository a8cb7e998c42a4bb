"""Energies: how particles push each other in an embedding phi [n, d], one row for each particle.

An energy is low where particles lie apart, so that stepping *against* its gradient spreads them. It depends on
distances alone: a row of ENERGIES gives what each pair weighs. The bandwidth h is held constant in the gradient.
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

    At n = 2 their ln(n - 1) is 0; ln 2 replaces it.
    """
    return off_diagonal(sqdist).median(1, keepdim=True).values / math.log(max(len(sqdist) - 1, 2))


GIVEN = "given"  # in place of a rule: h itself
BANDWIDTHS: dict[str, Callable[[Float[Tensor, "n n"]], Float[Tensor, "n 1"]]] = {
    "median": median_bandwidth,
    "row_median": row_median_bandwidth,
}


def rbf(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of the mean kernel (1/n) sum_j k_ij, k = exp(-|a - b|^2 / h): -2 k_ij / (n h_i)."""
    return -2 / (len(sqdist) * h) * torch.exp(-sqdist / h)


def inverse_quadratic(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of the mean kernel with k = 1 / (1 + |a - b|^2 / h), which reaches farther: -2 k_ij^2 / (n h_i)."""
    return -2 / (len(sqdist) * h) * (1 + sqdist / h) ** -2


def dpp(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of -(1/n) log det(I + K), K the Gaussian kernel, up to the constant of a determinantal point process: with
    M = (I + K)^-1, (4 / (n h)) M_ij K_ij. It sees duplicates that a sum of kernels tolerates. K must be symmetric, so h
    is the mean of the rows'."""
    h = h.mean()
    k = torch.exp(-sqdist / h)
    inverse = torch.linalg.inv(k + torch.eye(len(k), dtype=k.dtype, device=k.device))
    return 4 / (len(sqdist) * h) * inverse * k


JITTER = 1e-4  # on the diagonal of a kernel matrix that duplicates make singular


def dpp_likelihood(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of -(1/n) log det(K) / det(K + I), the log-likelihood of the whole set under a determinantal point process with
    kernel K (DiverseFlow, Morshed & Boddeti 2025), a jitter on K's diagonal: (4 / (n h)) (K^-1 - (K + I)^-1)_ij K_ij.
    It is largest where two particles meet, bounded by the jitter. h is the mean of the rows'."""
    h = h.mean()
    k, one = torch.exp(-sqdist / h), torch.eye(len(sqdist), dtype=sqdist.dtype, device=sqdist.device)
    return 4 / (len(sqdist) * h) * (torch.linalg.inv(k + JITTER * one) - torch.linalg.inv(k + one)) * k


def volume(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of -(1/n) log det(I + G / h), G the Gram matrix of the centred embeddings, the volume that the set spans (OSCAR,
    2025; its tau is 1 / h): (2 / (n h)) (M_ij - 1/n), M = (I + G / h)^-1. G follows from the distances alone. h is the
    mean of the rows', as I + G / h must be symmetric."""
    h, n = h.mean(), len(sqdist)
    centring = torch.eye(n, dtype=sqdist.dtype, device=sqdist.device) - 1 / n
    values, vectors = torch.linalg.eigh(-centring @ sqdist @ centring / 2)
    inverse = vectors * (h / (h + values.clamp(min=0))) @ vectors.T  # of rank n - 1 at most: h may be next to nothing
    return 2 / (n * h) * (inverse - 1 / n)


def rke(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of log((1/n^2) sum_ij K_ij^2), the negative Renyi entropy of order 2 of the kernel's spectrum (RKE, Jalali et al.
    2023; SPARKE at one prompt): -8 K_ij^2 / (h sum K^2), K the Gaussian kernel. K must be symmetric, so h is the mean
    of the rows'."""
    h = h.mean()
    squared = torch.exp(-2 * sqdist / h)
    return -8 / (h * squared.sum()) * squared


def vendi(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of -log of the Vendi score (Friedman & Dieng 2023), tr(P log P) with P = K / n, K the Gaussian kernel:
    -(4 / (n h)) (log P)_ij K_ij. h is the mean of the rows', as K must be symmetric."""
    h, n = h.mean(), len(sqdist)
    k = torch.exp(-sqdist / h)
    values, vectors = torch.linalg.eigh(k / n)
    log = vectors * values.clamp(min=torch.finfo(k.dtype).eps / n).log() @ vectors.T
    return -4 / (n * h) * log * k


def sparse(sqdist: Float[Tensor, "n n"], h: Float[Tensor, "n 1"]) -> Float[Tensor, "n n"]:
    """Of (1/2) sum_j max(0, r - |a - b|)^2 with radius r = sqrt(h), SPELL's (Kirchhof et al. 2025):
    -max(0, r / |a - b| - 1). Particles that are r or farther apart do not feel each other at all."""
    apart = sqdist > 0  # a pair that coincides has no direction
    return -torch.where(apart, (h / sqdist.clamp(min=torch.finfo(sqdist.dtype).tiny)).sqrt() - 1, 0).clamp(min=0)


# What pair (i, j) weighs in the gradient: grad_{phi_i} = sum_j w_ij (phi_i - phi_j).
ENERGIES: dict[str, Callable[[Float[Tensor, "n n"], Float[Tensor, "n 1"]], Float[Tensor, "n n"]]] = {
    "rbf": rbf,
    "inverse_quadratic": inverse_quadratic,
    "dpp": dpp,
    "dpp_likelihood": dpp_likelihood,
    "volume": volume,
    "rke": rke,
    "vendi": vendi,
    "sparse": sparse,
}


def gradient(energy: str, bandwidth: str, phi: Float[Tensor, "n d"], h: float | None = None) -> Float[Tensor, "n d"]:
    """The energy's gradient at every particle, the bandwidth held constant: sum_j w_ij (phi_i - phi_j). The bandwidth
    is by a rule, or `given` as h.

    Zero for one particle, and for particles that are all identical (a direction that does not exist is no force).
    """
    if len(phi) == 1:
        return torch.zeros_like(phi)
    sqdist = squared_distances(phi)
    least = torch.finfo(phi.dtype).tiny
    h = sqdist.new_full((len(sqdist), 1), h) if bandwidth == GIVEN else BANDWIDTHS[bandwidth](sqdist)
    w = ENERGIES[energy](sqdist, h.clamp(min=least))
    centred = phi - phi.mean(0)
    # where more than half of the particles coincide h is 0: the coinciding pairs then have no direction and the others
    # no weight, so that the sum is 0 and must not be divided by 0
    return torch.where(h > least, centred * w.sum(1, keepdim=True) - w @ centred, 0)
