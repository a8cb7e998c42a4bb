"""The metrics against independent implementations: torch-fidelity and vendi-score."""

import warnings

import numpy as np
import pytest
import torch

from analysis.metrics.frechet import frechet
from analysis.metrics.kid import kid
from analysis.metrics.mmd import bandwidth, mmd
from analysis.metrics.neighbours import precision, recall
from analysis.metrics.samples import K, Sample
from analysis.metrics.similarity import cosines, vendi

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kernel_poly, kernel_rbf, mmd2
    from torch_fidelity.metric_prc import calculate_precision_recall_full
    from vendi_score.vendi import score_K


def sets(n: int = 300, d: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(n, d)) * np.linspace(0.5, 2, d), rng.normal(0.3, 1.2, size=(n, d))


def test_frechet():
    a, b = sets()
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (a, b)]
    found = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet(a, b) == pytest.approx(found, rel=1e-8)


def test_kid():
    a, b = sets()
    cubic = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    assert kid(a, b) == pytest.approx(mmd2(*(kernel_poly(x, y, **cubic) for x, y in ((a, a), (a, b), (b, b)))))


def test_mmd():
    a, b = sets()
    sigma = {"kid_kernel_rbf_sigma": (bandwidth(b) / 2) ** 0.5}  # theirs is exp(-d^2 / 2 sigma^2)
    assert mmd(a, b) == pytest.approx(mmd2(*(kernel_rbf(x, y, **sigma) for x, y in ((a, a), (a, b), (b, b)))))


def test_precision_and_recall():
    a, b = (torch.from_numpy(x) for x in sets(120))
    found = calculate_precision_recall_full(a, b, neighborhood=K)
    assert (precision(a.numpy(), b.numpy()), recall(a.numpy(), b.numpy())) == pytest.approx(found, abs=1e-6)
    assert 0.1 < found[0] < 0.99 and 0.1 < found[1] < 0.99


def test_vendi():
    for n in (8, 60):  # fewer rows than columns, and more
        a, _ = sets(n)
        assert vendi(a) == pytest.approx(score_K(cosines(Sample.whole(a))), rel=1e-8)
