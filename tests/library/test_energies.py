import math

import pytest
import torch

from repulsion.forces.energies import (
    BANDWIDTHS,
    ENERGIES,
    JITTER,
    gradient,
    median_bandwidth,
    off_diagonal,
    row_median_bandwidth,
    squared_distances,
)


def particles(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_squared_distances_equal_the_differences():
    phi = particles(7, 3) + 1e6  # a common offset costs no digits
    direct = (phi.unsqueeze(1) - phi.unsqueeze(0)).square().sum(-1)
    assert torch.allclose(squared_distances(phi), direct, rtol=1e-8, atol=1e-12)


def test_off_diagonal_leaves_out_the_diagonal_in_order():
    assert off_diagonal(torch.arange(9.0).view(3, 3)).tolist() == [[1, 2], [3, 5], [6, 7]]


def test_bandwidths_by_hand():
    sqdist = squared_distances(torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64))  # 1, 9, 4
    assert median_bandwidth(sqdist).flatten().tolist() == pytest.approx([4 / math.log(3)] * 3)
    # lower medians of (1, 9), (1, 4), (9, 4), over ln(3 - 1)
    assert row_median_bandwidth(sqdist).flatten().tolist() == pytest.approx(
        [1 / math.log(2), 1 / math.log(2), 4 / math.log(2)]
    )


def test_two_particles_push_each_other_equally_and_oppositely():
    phi = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    out = gradient("rbf", "median", phi)
    # |a - b|^2 = 25 and h = 25 / ln 2, so that k = 1/2: (1/2) (-2 / h) (1/2) (a - b)
    expected = -0.5 * math.log(2) / 25 * torch.tensor([-3.0, -4.0], dtype=torch.float64)
    assert torch.allclose(out[0], expected) and torch.allclose(out[0], -out[1])


# Each energy as a function of one particle, the others and h held fixed.
VALUES = {
    "rbf": lambda own, phi, i, h: torch.exp(-(own - phi).square().sum(1) / h[i]).mean(),
    "inverse_quadratic": lambda own, phi, i, h: (1 / (1 + (own - phi).square().sum(1) / h[i])).mean(),
    "dpp": lambda own, phi, i, h: minus_log_determinant(kernel(own, phi, i, h)),
    "dpp_likelihood": lambda own, phi, i, h: minus_log_likelihood(kernel(own, phi, i, h)),
    "volume": lambda own, phi, i, h: minus_log_volume(at(own, phi, i), h.mean()),
    "rke": lambda own, phi, i, h: kernel(own, phi, i, h).square().mean().log(),
    "vendi": lambda own, phi, i, h: minus_entropy(kernel(own, phi, i, h)),
    "sparse": lambda own, phi, i, h: overlap(own, torch.cat([phi[:i], phi[i + 1 :]]), h[i].sqrt()),
}


def at(own, phi, i):
    """All particles, the i-th at `own`."""
    return torch.cat([phi[:i], own.unsqueeze(0), phi[i + 1 :]])


def kernel(own, phi, i, h):
    """The symmetric Gaussian kernel of all particles, the i-th at `own`."""
    moved = at(own, phi, i)
    return torch.exp(-(moved.unsqueeze(1) - moved.unsqueeze(0)).square().sum(-1) / h.mean())


def overlap(own, others, r):
    return (r - (own - others).norm(dim=1)).clamp(min=0).square().sum() / 2


def minus_log_determinant(k):
    return -torch.logdet(torch.eye(len(k), dtype=k.dtype) + k) / len(k)


def minus_log_likelihood(k):
    one = torch.eye(len(k), dtype=k.dtype)
    return -(torch.logdet(k + JITTER * one) - torch.logdet(k + one)) / len(k)


def minus_log_volume(phi, h):
    centred = phi - phi.mean(0)
    return -torch.logdet(torch.eye(len(phi), dtype=phi.dtype) + centred @ centred.T / h) / len(phi)


def minus_entropy(k):
    """Minus the log of the Vendi score."""
    return -torch.special.entr(torch.linalg.eigvalsh(k / len(k))).sum()


@pytest.mark.parametrize("bandwidth", BANDWIDTHS)
@pytest.mark.parametrize("energy", ENERGIES)
def test_the_gradient_is_autograd_s(energy, bandwidth):
    phi = particles(6, 4)
    h = BANDWIDTHS[bandwidth](squared_distances(phi))
    for i in range(6):
        own = phi[i].clone().requires_grad_()
        (expected,) = torch.autograd.grad(VALUES[energy](own, phi, i, h), own)
        assert torch.allclose(gradient(energy, bandwidth, phi)[i], expected, rtol=1e-9)


@pytest.mark.parametrize("energy", ENERGIES)
@pytest.mark.parametrize("bandwidth", BANDWIDTHS)
@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_any_number_of_particles_and_identical_ones_are_finite(energy, bandwidth, n):
    phi = particles(n, 5).float()
    assert torch.isfinite(gradient(energy, bandwidth, phi)).all()
    assert (gradient(energy, bandwidth, phi[:1].expand(n, 5)) == 0).all()
    nearly = phi[:1] + 1e-20 * phi
    assert torch.isfinite(gradient(energy, bandwidth, nearly)).all()
    if n == 50:
        some = torch.cat([phi[:1].expand(45, 5), phi[:5]])  # more than half coincide: the median is 0
        assert torch.isfinite(gradient(energy, bandwidth, some)).all()


@pytest.mark.parametrize("energy", ENERGIES)
@pytest.mark.parametrize("bandwidth", BANDWIDTHS)
def test_an_energy_is_equivariant_and_knows_no_origin_and_no_scale(energy, bandwidth):
    phi, order = particles(9, 3), torch.randperm(9, generator=torch.Generator().manual_seed(0))
    out = gradient(energy, bandwidth, phi)
    assert torch.allclose(gradient(energy, bandwidth, phi[order]), out[order], rtol=1e-10)
    assert torch.allclose(gradient(energy, bandwidth, phi + 5), out, rtol=1e-8)
    times = 3 if energy == "sparse" else 1 / 3  # that energy is a squared length, the others have no unit
    assert torch.allclose(gradient(energy, bandwidth, 3 * phi), times * out, rtol=1e-10)


@pytest.mark.parametrize("energy", ENERGIES)
def test_the_median_bandwidth_conserves_momentum(energy):
    assert gradient(energy, "median", particles(9, 3)).sum(0).abs().max() < 1e-15


@pytest.mark.parametrize("energy", ENERGIES)
def test_a_step_against_the_gradient_spreads_particles_and_lowers_the_energy(energy):
    phi = particles(6, 4)
    sqdist = squared_distances(phi)
    moved = squared_distances(phi - 0.1 * gradient(energy, "median", phi))
    assert moved.sum() > sqdist.sum()
    h = BANDWIDTHS["median"](sqdist)
    before, after = (VALUES[energy](p[0], p, 0, h) for p in (phi, phi - 0.01 * gradient(energy, "median", phi)))
    assert after < before


def test_a_vendi_score_of_duplicates_has_no_infinite_weights():
    phi = particles(3, 4).repeat(2, 1)  # three pairs: the kernel is singular
    assert torch.isfinite(gradient("vendi", "median", phi)).all()


def test_sparse_repellency_moves_a_particle_to_the_radius_and_no_farther():
    phi = torch.tensor([[0.0, 0.0], [3.0, 4.0], [100.0, 0.0]], dtype=torch.float64)
    out = gradient("sparse", "given", phi, 10.0**2)  # the first two are 5 apart
    assert torch.allclose(out[0], torch.tensor([3.0, 4.0], dtype=torch.float64)) and (out[2] == 0).all()
    assert torch.allclose((phi[0] - out[0] - phi[1]).norm(), torch.tensor(10.0, dtype=torch.float64))
    assert (gradient("sparse", "given", phi, 5.0**2) == 0).all()


@pytest.mark.parametrize("energy", ENERGIES)
def test_a_bandwidth_may_be_given_as_a_number(energy):
    phi = particles(5, 3)
    h = median_bandwidth(squared_distances(phi))[0].item()
    assert torch.allclose(gradient(energy, "given", phi, h), gradient(energy, "median", phi))
