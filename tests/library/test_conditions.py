"""How a method conditions the denoiser: the guidance interval and the annealed condition."""

import pytest
import torch

from repulsion.sampling.conditions import Anneal, Guidance, annealed, condition_share, guidance_schedule
from repulsion.sampling.particles import farthest


def test_guidance_acts_within_its_noise_levels_alone():
    weight = guidance_schedule(Guidance(scale=6.0, sigma_min=2.0, sigma_max=5.0))
    assert [weight(sigma) for sigma in (8.0, 5.0, 4.0, 2.0, 1.0)] == [1.0, 6.0, 6.0, 6.0, 1.0]


def test_the_embedding_is_seen_from_first_on_and_not_before_last():
    anneal = Anneal(0.6, 0.9, 0.25)
    assert [condition_share(anneal, t) for t in (0.0, 0.6, 0.75, 0.9, 1.0)] == [
        1,
        pytest.approx(1),
        pytest.approx(0.5),
        0,
        0,
    ]


def draws() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return 3 + 2 * torch.randn(4, 5, 6, generator=generator), torch.randn(4, 5, 6, generator=generator)


def test_annealing_keeps_each_particle_s_mean_and_deviation():
    condition, noise = draws()
    for gamma in (0.0, 0.3, 1.0):
        out = annealed(condition, noise, gamma, 0.25)
        assert torch.allclose(out.mean((1, 2)), condition.mean((1, 2)), atol=1e-5)
        assert torch.allclose(out.std((1, 2)), condition.std((1, 2)), atol=1e-5)


def test_annealing_at_its_ends():
    condition, noise = draws()
    assert torch.allclose(annealed(condition, noise, 1.0, 0.25), condition, atol=1e-5)
    # all noise: the condition is not seen, whatever the noise's scale
    assert torch.allclose(annealed(condition, noise, 0.0, 0.25), annealed(condition, noise, 0.0, 1.0), atol=1e-5)
    assert torch.allclose(annealed(condition, noise, 0.5, 0.25)[:2], annealed(condition[:2], noise[:2], 0.5, 0.25))


def test_the_farthest_rows_by_hand():
    line = torch.tensor([[0.0], [0.1], [5.0], [9.0], [4.9]])
    assert farthest(line, 1) == [0] and farthest(line, 2) == [0, 3] and farthest(line, 3) == [0, 3, 4]
    assert farthest(torch.zeros(4, 2), 3) == [0, 1, 2]  # copies are chosen once each
