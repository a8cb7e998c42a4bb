"""Samples of feature vectors, and every matrix of pairs that metrics share: inner products, squared distances, radii.

A metric is wanted of all rows and again without each particle set (its jackknife replicates, see intervals.py). Each
matrix is computed once for all of them, by BLAS in float64; which rows a replicate keeps is a row of zeros and ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import DTypeLike
from scipy.linalg import get_blas_funcs
from scipy.linalg.blas import dsyrk

from repulsion.core.errors import BadInput

K = 5  # neighbours, as in Naeem et al. 2020
# Squared distances below this share of the squared norms are rounding: 3e-7 of a norm, what float32 features carry.
ROUNDING = 1e-13
# A metric of all rows, then without each part.
Replicates = Float[np.ndarray, " k"]


@dataclass(frozen=True, eq=False)
class Sample:
    """One set's vectors of a prompt in one space, `x`, float64, and the part (particle set) that each row is in."""

    x: Float[np.ndarray, "n d"]
    parts: Int[np.ndarray, " n"]

    @classmethod
    def whole(cls, x: Float[np.ndarray, "n d"]) -> Sample:
        """Rows in one part: none is left out."""
        return cls(np.asarray(x, np.float64), np.zeros(len(x), int))

    @cached_property
    def kept(self) -> Bool[np.ndarray, "k n"]:
        """Which rows each replicate keeps: all, then those outside each part; where there is one part, all only."""
        return kept_rows(self.parts)

    @cached_property
    def weights(self) -> Float[np.ndarray, "k n"]:
        return self.kept.astype(np.float64)

    @cached_property
    def sizes(self) -> Float[np.ndarray, " k"]:
        """How many rows each replicate keeps."""
        return self.weights.sum(1)

    @cached_property
    def mean(self) -> Float[np.ndarray, " d"]:
        return self.x.mean(0)

    @cached_property
    def centred(self) -> Float[np.ndarray, "n d"]:
        return self.x - self.mean

    @cached_property
    def shifts(self) -> Float[np.ndarray, "k d"]:
        """The mean of each replicate's rows, less that of all."""
        return self.weights @ self.centred / self.sizes[:, None]

    @cached_property
    def centred_products(self) -> Float[np.ndarray, "n n"]:
        """(x_i - mean) . (x_j - mean)."""
        return self.centred @ self.centred.T

    @property
    def products(self) -> Float[np.ndarray, "n n"]:
        """x_i . x_j."""
        found = self.centred_products + (self.x @ self.mean)[:, None]
        found += self.centred @ self.mean
        return found

    @cached_property
    def squared(self) -> Float[np.ndarray, "n n"]:
        """|x_i - x_j|^2; 0 on the diagonal and between copies."""
        norms = self.centred_products.diagonal()
        return squared_distances(self.centred_products, norms, norms)

    @cached_property
    def radii(self) -> Float[np.ndarray, "k n"]:
        """Squared distance of each row to its K-th nearest other row among those that each replicate keeps (for a row
        that is itself left out: a number without a meaning). Raises BadInput where a replicate keeps K rows or fewer.

        A row's nearest kept rows are among the K + 1 nearest of each kept part, itself included.
        """
        if self.sizes.min() <= K:
            raise BadInput(f"nearest neighbours: expected more than {K} rows, got {self.sizes.min():.0f}")
        parts, first = np.unique(self.parts, return_index=True)
        nearest = [smallest(self.squared[:, self.parts == part], K + 1) for part in parts]
        candidates = np.hstack(nearest)
        of_row = np.repeat(first, [rows.shape[1] for rows in nearest])  # a row of the same part as each candidate
        return np.stack([np.partition(candidates[:, keep[of_row]], K, axis=1)[:, K] for keep in self.kept])


@dataclass(frozen=True, eq=False)
class TwoSamples:
    """A set's sample beside another's, of which no row is left out (but in metrics of pairs of rows)."""

    own: Sample
    other: Sample

    @classmethod
    def whole(cls, own: Float[np.ndarray, "n d"], other: Float[np.ndarray, "m d"]) -> TwoSamples:
        return cls(Sample.whole(own), Sample.whole(other))

    @cached_property
    def own_centred(self) -> Float[np.ndarray, "n d"]:
        """Own rows less the other's mean."""
        return self.own.x - self.other.mean

    @cached_property
    def centred_products(self) -> Float[np.ndarray, "n m"]:
        """(x_i - c) . (y_j - c), with c the other's mean."""
        return self.own_centred @ self.other.centred.T

    @property
    def products(self) -> Float[np.ndarray, "n m"]:
        """x_i . y_j."""
        centre = self.other.mean
        found = self.centred_products + (self.own.x @ centre)[:, None]
        found += self.other.centred @ centre
        return found

    @cached_property
    def squared(self) -> Float[np.ndarray, "n m"]:
        """|x_i - y_j|^2; 0 between copies."""
        norms = (np.einsum("ij,ij->i", x, x) for x in (self.own_centred, self.other.centred))
        return squared_distances(self.centred_products, *norms)

    @cached_property
    def inside(self) -> Bool[np.ndarray, "n m"]:
        """Whether each own row lies in the ball around each of the other's rows that reaches its K-th nearest, the
        ball's edge included."""
        return self.squared <= self.other.radii[0]


def kept_rows(parts: Int[np.ndarray, " n"]) -> Bool[np.ndarray, "k n"]:
    """All rows, then those outside each part, in the order of the parts' numbers; where there is one part, all only."""
    different = np.unique(parts)
    left_out = different[:, None] if len(different) > 1 else np.empty((0, 1), int)
    return np.vstack([np.ones((1, len(parts)), bool), parts != left_out])


def squared_distances(
    products: Float[np.ndarray, "n m"], own: Float[np.ndarray, " n"], other: Float[np.ndarray, " m"]
) -> Float[np.ndarray, "n m"]:
    """|x|^2 + |y|^2 - 2 x . y from inner products and squared norms, exactly 0 where that is below its rounding."""
    squared = np.add.outer(own, other)
    squared -= products  # twice, in place: of one set with itself it stays symmetric, and 0 on the diagonal
    squared -= products
    squared[squared < ROUNDING * (own.max() + other.max())] = 0
    return squared


def smallest(rows: Float[np.ndarray, "n m"], count: int) -> Float[np.ndarray, "n _"]:
    """The `count` smallest numbers of each row in any order; all, where there are no more."""
    return np.partition(rows, count - 1, axis=1)[:, :count] if rows.shape[1] > count else rows


def within_means(kernel: Float[np.ndarray, "n n"], sample: Sample) -> Replicates:
    """Mean of k(x_i, x_j) over the pairs i != j of kept rows."""
    weights, n = sample.weights, sample.sizes
    return (((weights @ kernel) * weights).sum(1) - weights @ kernel.diagonal()) / (n * (n - 1))


def across_means(kernel: Float[np.ndarray, "n m"], own: Sample) -> Replicates:
    """Mean of k(x_i, y_j) over kept rows x_i and all y_j."""
    return own.weights @ kernel.mean(1) / own.sizes


def scatter(x: Float[np.ndarray, "n d"], precision: DTypeLike = np.float64) -> Float[np.ndarray, "d d"]:
    """x^T x in float64, lower triangle. In float32 it takes half the time: the diagonal stays exact, and the other
    entries carry a rounding of about float32's eps |x_i| |x_j|, x_i and x_j the columns."""
    (syrk,) = get_blas_funcs(["syrk"], dtype=precision)
    found = syrk(1.0, x.astype(precision, copy=False).T, lower=1)
    if found.dtype == np.float32:
        found = found.astype(np.float64)
        np.fill_diagonal(found, np.einsum("ij,ij->j", x, x))
    return found


def scatters(
    x: Float[np.ndarray, "n d"], kept: Bool[np.ndarray, "k n"], precision: DTypeLike = np.float64
) -> Iterator[Float[np.ndarray, "d d"]]:
    """The scatter of the rows that each replicate keeps: that of all rows less that of the rows left out."""
    whole = scatter(x, precision)
    for keep in kept:
        yield whole.copy(order="F") if keep.all() else dsyrk(-1.0, x[~keep].T, beta=1.0, c=whole, lower=1)
