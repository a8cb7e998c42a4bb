"""How a method conditions the denoiser: guidance intervals, annealed and noised prompts; and how it scales the score."""

import pytest
import torch

from repulsion.core.errors import BadInput
from repulsion.forces.embeddings import Context
from repulsion.sampling.conditions import (
    Anneal,
    Driving,
    Guidance,
    PromptNoise,
    Rescaling,
    annealed,
    condition_share,
    driven,
    guidance_schedule,
    perturbed,
    projected,
)
from repulsion.sampling.methods import PLAIN, Method
from repulsion.sampling.sampler import sample
from repulsion.tensors.farthest import farthest


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


def test_noise_on_the_prompt_is_uniform_on_a_share_of_its_numbers():
    generator = torch.Generator().manual_seed(0)
    condition = torch.randn(3, 100, 50, generator=generator)
    condition[:, 60:] = 0  # a padding
    noise, chance = torch.randn(2, 3, 100, 50, generator=generator)
    change = perturbed(condition, noise, chance, PromptNoise(2.0, 0.25)) - condition
    assert (change[:, 60:] == 0).all()
    changed = change[:, :60]
    assert (changed != 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    bound = 2 * condition[:, :60].std((1, 2), keepdim=True)  # the padding counts for nothing
    assert (changed.abs() <= bound).all() and (changed.abs() > 0.9 * bound).any()
    picked = (changed / bound)[changed != 0]
    assert picked.mean().item() == pytest.approx(0, abs=0.05) and picked.var().item() == pytest.approx(1 / 3, abs=0.03)


def test_noise_of_no_size_on_the_prompt_is_none():
    condition, noise = draws()
    assert torch.equal(perturbed(condition, noise, noise, PromptNoise(0.0)), condition)


def ended(method: Method, s: float, start: torch.Tensor) -> torch.Tensor:
    """Gaussian data of variance s^2, sampled over many levels."""
    levels = 400 if method.predict == "euler" else 60
    sigmas = torch.cat([torch.logspace(2, -3, levels, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])
    return sample(lambda x, sigma: x * s**2 / (s**2 + sigma**2), sigmas, method, lambda _: start, Context(0), "test")


def test_noise_on_the_prompt_is_the_same_beside_any_padding():
    condition, noise = draws()
    p = PromptNoise(2.0, 0.5)
    wide = torch.zeros(4, 9, 12)
    wide[:, :5, :6] = condition
    draw = torch.ones(4, 9, 12)
    draw[:, :5, :6] = noise
    assert torch.allclose(perturbed(wide, draw, draw, p)[:, :5, :6], perturbed(condition, noise, noise, p), atol=1e-6)
    half = perturbed(condition.half(), noise, noise, p)
    assert half.dtype == torch.float16 and torch.allclose(
        half.float(), perturbed(condition, noise, noise, p), atol=0.02
    )


@pytest.mark.parametrize("step", ["euler", "heun"])
@pytest.mark.parametrize("s,k", [(1.0, 0.5), (2.0, 0.8), (1.0, 1.25)])
def test_a_rescaled_score_ends_at_another_temperature(s, k, step):
    start = torch.randn(2, 1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plain, rescaled = ended(Method(step), s, start), ended(Method(step, rescale=Rescaling(k, s)), s, start)
    assert (rescaled.var() / plain.var()).item() == pytest.approx(1 / k, rel=0.02)
    # each image is where it was, farther from the mean: nothing else has moved
    assert torch.allclose(rescaled / plain, (rescaled / plain).mean().expand_as(plain))


def test_a_rescaling_by_one_is_none_and_acts_in_its_range():
    start = torch.randn(2, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ended(Method("euler", rescale=Rescaling(1.0)), 1.0, start), ended(PLAIN, 1.0, start))
    late = Rescaling(0.5, sigma_max=2.0)
    assert not late.acts_at(3.0) and late.factor(1.0) == pytest.approx(2 / 3) and late.factor(0.0) == 0.5


def test_two_particles_drive_each_other_by_their_kernel():
    """h = |a - b|^2 / ln 2, so that the kernel of the pair is a half: two thirds of one's own score, one of the other's."""
    score = torch.tensor([[3.0, 0.0], [0.0, 6.0]])
    found = driven(score, torch.tensor([[0.0, 0.0], [5.0, 1.0]]), Driving("median"))
    torch.testing.assert_close(found, torch.tensor([[2.0, 2.0], [1.0, 4.0]]))


def test_the_driving_term_keeps_a_common_score_and_follows_the_order():
    generator = torch.Generator().manual_seed(0)
    x, score = torch.randn(2, 5, 3, 4, generator=generator)
    same = score[:1].expand(5, 3, 4)
    torch.testing.assert_close(driven(same, x, Driving("row_median")), same)
    order = torch.tensor([3, 0, 4, 1, 2])
    found = driven(score, x, Driving("median"))
    torch.testing.assert_close(driven(score[order], x[order], Driving("median")), found[order])
    assert torch.equal(driven(score[:1], x[:1], Driving("median")), score[:1])  # one particle has no neighbours
    torch.testing.assert_close(driven(score, torch.ones(5, 3, 4), Driving("median")), score.mean(0).expand(5, 3, 4))


def test_driven_particles_keep_their_mean_and_contract_less():
    """Of the score -x / (s^2 + sigma^2) what is shared points to the centre less."""
    start = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plain, found = ended(PLAIN, 1.0, start), ended(Method("euler", drive=Driving("median")), 1.0, start)
    assert torch.pdist(found).mean() > 1.5 * torch.pdist(plain).mean()
    assert not Driving("median", sigma_max=2.0).acts_at(3.0)


def test_projected_guidance_by_hand():
    cond, null = torch.tensor([[[3.0, 0.0]]]), torch.tensor([[[1.0, -2.0]]])  # the update is (2, 2), along cond (2, 0)
    assert projected(Guidance(scale=5.0), cond, null, 5.0).tolist() == [[[11.0, 8.0]]]  # plain guidance
    assert projected(Guidance(scale=5.0, parallel=0.0), cond, null, 5.0).tolist() == [[[3.0, 8.0]]]
    assert projected(Guidance(scale=5.0, parallel=0.5), cond, null, 5.0).tolist() == [[[7.0, 8.0]]]
    short = projected(Guidance(scale=5.0, max_norm=2.0**0.5), cond, null, 5.0)
    assert torch.allclose(short, torch.tensor([[[7.0, 4.0]]]))
    long = projected(Guidance(scale=5.0, max_norm=100.0), cond, null, 5.0)
    assert torch.equal(long, torch.tensor([[[11.0, 8.0]]]))


def test_there_is_nothing_to_project_without_guidance():
    with pytest.raises(BadInput, match="scale: expected more than 1 beside parallel or max_norm"):
        Guidance(scale=1.0, parallel=0.5)


def test_projected_guidance_is_each_image_s_own():
    generator = torch.Generator().manual_seed(0)
    cond, null = torch.randn(2, 5, 4, 8, 8, generator=generator)
    guidance = Guidance(scale=3.0, parallel=0.0, max_norm=1.0)
    whole = projected(guidance, cond, null, 3.0)
    assert torch.allclose(whole[2:3], projected(guidance, cond[2:3], null[2:3], 3.0), atol=1e-6)
    moved = (whole - cond).flatten(1)
    assert torch.allclose((moved * cond.flatten(1)).sum(1), torch.zeros(5), atol=1e-4)
    assert (moved.norm(dim=1) <= 2 + 1e-5).all()
