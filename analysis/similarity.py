"""How alike the images of one set are, by their normalised features: mean similarity, RKE and Vendi score.

K_ij is the cosine of features i and j. The first two leave the diagonal out, so that their expected value does not
depend on n; the Vendi score cannot, and is comparable at one n only.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import entr

from pipeline.params import BadInput


def unit(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    if len(x) < 2 or not norms.all():
        raise BadInput(f"similarity: expected at least 2 rows that are not zero, got {len(x)} rows")
    return x / norms


def cosines(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n n"]:
    rows = unit(x)
    return rows @ rows.T


def off_diagonal_mean(k: Float[np.ndarray, "n n"]) -> float:
    n = len(k)
    return float((k.sum() - np.trace(k)) / (n * (n - 1)))


def mean_similarity(x: Float[np.ndarray, "n d"]) -> float:
    """Mean K_ij over i != j: 1 for copies, lower for a more diverse set."""
    return off_diagonal_mean(cosines(x))


def rke(x: Float[np.ndarray, "n d"]) -> float:
    """1 / mean K_ij^2 over i != j: the order-2 entropy's number of modes (Jalali et al. 2023), unbiased in its mean."""
    return 1 / off_diagonal_mean(cosines(x) ** 2)


def vendi(x: Float[np.ndarray, "n d"]) -> float:
    """exp of the entropy of the eigenvalues of K / n (Friedman & Dieng 2023): from 1 to n; grows with n. Rows times
    columns and columns times rows share their eigenvalues but for zeros: the smaller matrix is taken."""
    rows = unit(x)
    small = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    eigenvalues = np.linalg.eigvalsh(small / len(x)).clip(min=0)
    return float(np.exp(entr(eigenvalues).sum()))
