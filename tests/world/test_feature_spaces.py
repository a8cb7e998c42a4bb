import pytest
import torch

from pipeline.encoders.feature_spaces import feature_vectors, gram, outer_product_of_means


def test_outer_product_of_means():
    block = torch.tensor([[[[1.0, 3.0]], [[0.0, 2.0]], [[5.0, 5.0]]]])  # means 2, 1, 5
    assert outer_product_of_means(block).tolist() == [[4, 2, 10, 1, 5, 25]]


def test_gram_by_hand():
    block = torch.tensor([[[[1.0, 3.0]], [[0.0, 2.0]], [[5.0, 5.0]]]])
    assert gram(block).tolist() == [[5, 3, 10, 2, 5, 25]]  # (1 + 9) / 2, (0 + 6) / 2, ...


def test_the_two_agree_where_activations_do_not_vary_over_space_and_differ_by_their_covariance():
    means = torch.randn(2, 4, 1, 1, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(gram(means.expand(2, 4, 3, 3)), outer_product_of_means(means.expand(2, 4, 3, 3)))
    block = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    row, column = torch.triu_indices(3, 3)
    covariance = torch.cov(block[0].flatten(1), correction=0)[row, column]
    assert torch.allclose(gram(block)[0] - outer_product_of_means(block)[0], covariance, atol=1e-6)


def test_sizes_of_inception_s_blocks_are_the_thesis_s():
    early, middle, pooled = torch.ones(2, 64, 73, 73), torch.ones(2, 192, 35, 35), torch.ones(2, 2048)
    shapes = {name: v.shape[1] for name, v in feature_vectors(early, middle, pooled).items()}
    assert shapes == {"general": 2048, "location": 1225, "style": 2080, "location_shape": 1225, "gram": 2080}


def test_location_does_not_see_which_channel_and_style_does_not_see_where():
    early = torch.rand(1, 4, 6, 6, generator=torch.Generator().manual_seed(2))
    moved = early.roll((2, 1), (2, 3))
    a, b = feature_vectors(early, early, early.mean((2, 3))), feature_vectors(moved, early.flip(1), early.mean((2, 3)))
    assert torch.allclose(a["style"], b["style"]) and torch.allclose(a["gram"], b["gram"])
    assert torch.allclose(a["location"], b["location"])
    brighter = feature_vectors(early, 3 * early + 1, early.mean((2, 3)))  # where, not how strongly
    assert torch.allclose(a["location_shape"], brighter["location_shape"], atol=1e-6)
    assert a["location_shape"].norm(dim=1).item() == pytest.approx(1)
    assert a["location"].shape == (1, 36) and a["general"].shape == (1, 4)
    assert a["gram"].sum() == pytest.approx(b["gram"].sum().item(), rel=1e-5)
