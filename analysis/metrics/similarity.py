"""How alike the images of one set are, by their normalised features: mean similarity, RKE and Vendi score.

K_ij is the cosine of features i and j. The first two leave the diagonal out, so that their expected value does not
depend on n; the Vendi score cannot, and is comparable at one n only. Each raises BadInput for fewer than 2 rows, and
for a row of zeros, which has no direction.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigvalsh
from scipy.special import entr

from analysis.metrics.samples import Replicates, Sample, scatters, within_means
from repulsion.core.errors import BadInput


def mean_similarity(x: Float[np.ndarray, "n d"]) -> float:
    """Mean K_ij over i != j: 1 for copies, lower for a more diverse set."""
    return float(mean_similarity_replicates(Sample.whole(x))[0])


def rke(x: Float[np.ndarray, "n d"]) -> float:
    """1 / mean K_ij^2 over i != j: the order-2 entropy's number of modes (Jalali et al. 2023), unbiased in its mean."""
    return float(rke_replicates(Sample.whole(x))[0])


def vendi(x: Float[np.ndarray, "n d"]) -> float:
    """exp of the entropy of the eigenvalues of K / n (Friedman & Dieng 2023): from 1 to n; grows with n."""
    return float(vendi_replicates(Sample.whole(x))[0])


def norms(sample: Sample) -> Float[np.ndarray, " n"]:
    found = np.linalg.norm(sample.x, axis=1)
    if sample.sizes.min() < 2 or not found.all():
        raise BadInput(f"similarity: expected at least 2 rows that are not zero, got {sample.sizes.min():.0f} rows")
    return found


def cosines(sample: Sample) -> Float[np.ndarray, "n n"]:
    inverse = 1 / norms(sample)
    found = sample.products
    found *= inverse[:, None]
    found *= inverse
    return found


def mean_similarity_replicates(sample: Sample) -> Replicates:
    """mean_similarity of all rows, then without each part."""
    return within_means(cosines(sample), sample)


def rke_replicates(sample: Sample) -> Replicates:
    """rke of all rows, then without each part."""
    found = cosines(sample)
    found *= found
    return 1 / within_means(found, sample)


def vendi_replicates(sample: Sample) -> Replicates:
    """vendi of all rows, then without each part."""
    spectra = [eigvalsh(m, overwrite_a=True, check_finite=False).clip(min=0) for m in small_kernels(sample)]
    return np.exp([entr(eigenvalues).sum() for eigenvalues in spectra])


def small_kernels(sample: Sample) -> Iterator[Float[np.ndarray, "l l"]]:
    """K / n of each replicate's rows, lower triangle. Unit rows times columns and columns times rows share their
    eigenvalues but for zeros: the smaller matrix is taken."""
    n, d = sample.x.shape
    if n <= d:
        found = cosines(sample)
        yield from (found[np.ix_(keep, keep)] / keep.sum() for keep in sample.kept)
    else:
        unit = sample.x / norms(sample)[:, None]
        yield from (s / size for s, size in zip(scatters(unit, sample.kept), sample.sizes, strict=True))
