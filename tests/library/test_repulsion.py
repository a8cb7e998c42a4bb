from dataclasses import replace

import pytest
import torch

from repulsion.core.errors import BadInput
from repulsion.forces.embeddings import NEEDS, SPACES, Context, thirds, thirds_differences
from repulsion.forces.energies import gradient
from repulsion.forces.repulsion import INPUTS, STRENGTHS, Repulsion, Strength, force
from repulsion.forces.style_classifier import StyleClassifier


def context(size: int, dtype: torch.dtype) -> Context:
    torch.manual_seed(0)
    classifier = StyleClassifier(("a", "b", "c"), size, 32, 24).to(dtype).eval()
    decoder = torch.nn.ConvTranspose2d(4, 3, 8, stride=8).to(dtype)
    return Context(0, classifier, decoder)


def latents(n: int, size: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(n, 4, size, size, dtype=dtype, generator=torch.Generator().manual_seed(1))


def denoise(x: torch.Tensor) -> torch.Tensor:
    """Stands in for a denoiser: each particle by itself, and not linear."""
    return 0.5 * torch.tanh(x.roll(1, 2)) + 0.1 * x


def row(space: str, **changes) -> Repulsion:
    values = {
        "energy": "rbf",
        "input": "noisy",
        "strength": Strength("alpha", 1.0),
        "bandwidth": "median",
    }
    return Repulsion(space=space, **(values | changes))


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize("size", [8, 64])
@pytest.mark.parametrize("space", SPACES)
def test_force_equals_the_one_particle_at_a_time_jacobian(space, size, input):
    """The thesis's route: the Jacobian of phi at each particle, times the mean kernel gradient in phi."""
    n, sigma, level = 3, 0.7, 12
    x = latents(n, size).requires_grad_()
    x0 = denoise(x)
    embed = SPACES[space](context(size, torch.float64))
    push = gradient("rbf", "median", embed(INPUTS[input].apply(x, x0, sigma), sigma, level).detach())
    expected = []
    for i in range(n):
        one = x[i : i + 1].detach().clone().requires_grad_()
        phi = embed(INPUTS[input].apply(one, denoise(one), sigma), sigma, level)[0]
        if len(phi) > 300:  # the latent: one product instead of thousands of rows
            expected.append(torch.autograd.grad(phi, one, push[i])[0][0])
        else:
            rows = [torch.autograd.grad(p, one, retain_graph=True)[0] for p in phi]
            expected.append(sum(g * r[0] for g, r in zip(push[i], rows, strict=True)))
    expected = torch.stack(expected)
    found = force(row(space, input=input), embed, x, x0, sigma, level)
    assert (found - expected).norm() <= 1e-8 * expected.norm()
    assert expected.norm() > 0


@pytest.mark.parametrize("space", SPACES)
def test_force_is_equivariant_to_the_order_of_particles(space):
    x = latents(6, 8).requires_grad_()
    embed, order = SPACES[space](context(8, torch.float64)), torch.tensor([3, 0, 5, 1, 4, 2])
    out = force(row(space), embed, x, x, 1.0, 0)
    permuted = x.detach()[order].requires_grad_()
    assert torch.allclose(force(row(space), embed, permuted, permuted, 1.0, 0), out[order], rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("space", SPACES)
def test_identical_particles_feel_no_force(space):
    x = latents(1, 8, torch.float32).expand(5, -1, -1, -1).clone().requires_grad_()
    out = force(row(space), SPACES[space](context(8, torch.float32)), x, x, 1.0, 0)
    assert torch.isfinite(out).all() and out.abs().max() < 1e-3


@pytest.mark.parametrize("space", SPACES)
def test_embeddings_act_on_each_latent_alone(space):
    embed = SPACES[space](context(8, torch.float64))
    x = latents(4, 8)
    whole = embed(x, 0.5, 3)
    assert torch.allclose(whole[2:3], embed(x[2:3], 0.5, 3), rtol=1e-9)


def test_thirds_average_thirds():
    for size in (6, 8, 64):
        w = thirds(size)
        assert torch.allclose(w.sum(1), torch.ones(3, dtype=torch.float64))
        assert torch.allclose(w.sum(0), torch.full((size,), 3 / size, dtype=torch.float64))
        assert torch.allclose(w.flip(0, 1), w)  # a mirror image gives mirrored thirds
    assert thirds(6)[0].tolist() == [0.5, 0.5, 0, 0, 0, 0]


def test_thirds_differences_by_hand():
    x = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    x[..., :2, :] = 3.0  # the top third
    # top - middle, middle - bottom, left - middle, middle - right
    assert thirds_differences(x)[0].tolist() == pytest.approx([3, 0, 0, 0])
    assert thirds_differences(x.transpose(2, 3))[0].tolist() == pytest.approx([0, 0, 3, 0])


def test_the_centre_of_mass_follows_what_stands_on_the_ground():
    embed, x = SPACES["centre_of_mass"](Context(0)), torch.full((3, 4, 9, 9), 0.7, dtype=torch.float64)
    for k, (row, column) in enumerate([(4, 4), (2, 4), (4, 7)]):
        x[k, :, row, column] = 2.0
    # rows and columns from -1 to 1 in steps of 1/4; the ground's own value does not matter
    assert embed(x, 1.0, 0).tolist() == [pytest.approx(place) for place in ([0, 0], [-0.5, 0], [0, 0.75])]
    assert torch.allclose(embed(x + 3, 1.0, 0), embed(x, 1.0, 0))


def test_random_cnn_is_fresh_at_each_level_unless_fixed():
    x = latents(2, 8)
    fresh, fixed = SPACES["random_cnn"](Context(0)), SPACES["random_cnn_fixed"](Context(0))
    assert torch.equal(fresh(x, 1.0, 3), fresh(x, 1.0, 3)) and not torch.equal(fresh(x, 1.0, 3), fresh(x, 1.0, 4))
    assert torch.equal(fixed(x, 1.0, 3), fixed(x, 1.0, 4))
    assert not torch.equal(fixed(x, 1.0, 3), SPACES["random_cnn_fixed"](Context(1))(x, 1.0, 3))


def test_the_classifier_sees_its_noise_level():
    classifier = context(8, torch.float64).classifier
    x = latents(2, 8)
    a, b = (classifier(x, torch.full((2,), s, dtype=torch.float64)) for s in (0.1, 5.0))
    assert not torch.allclose(a, b)
    assert torch.allclose(a.exp().sum(1), torch.ones(2, dtype=torch.float64))


def test_strengths():
    score, rep = torch.full((4,), 3.0), torch.full((4,), 0.5)
    assert STRENGTHS["alpha"](100.0, score, rep, 2.0) == 100.0
    assert STRENGTHS["relative"](0.2, score, rep, 2.0) * rep.norm() == pytest.approx(0.2 * score.norm().item())
    assert STRENGTHS["relative"](0.2, score, torch.zeros(4), 2.0) * 0.0 == 0.0
    assert STRENGTHS["prediction"](1.6, score, rep, 2.0) == 0.4  # x0' = x + sigma^2 (score - rep / sigma^2) = x0 - rep


def test_unit_embeddings_know_directions_alone():
    x = latents(4, 8).requires_grad_()
    embed, unit = SPACES["latent"](context(8, torch.float64)), row("latent", unit=True)
    out = force(unit, embed, x, x, 1.0, 0)
    along = (out * x).flatten(1).sum(1)
    assert along.abs().max() < 1e-12 * out.norm() * x.norm()  # a longer vector has the same direction
    scaled = (3 * x.detach()).requires_grad_()
    assert torch.allclose(force(unit, embed, scaled, scaled, 1.0, 0), out / 3)
    normalised = (x.detach() / x.detach().flatten(1).norm(dim=1)[:, None, None, None]).requires_grad_()
    plain = force(row("latent"), embed, normalised, normalised, 1.0, 0)
    across = plain - (plain * normalised).sum((1, 2, 3), keepdim=True) * normalised
    assert torch.allclose(force(unit, embed, normalised, normalised, 1.0, 0), across)


def spell(**changes) -> Repulsion:
    values = {"energy": "sparse", "input": "x0", "strength": Strength("prediction", 1.0), "bandwidth": "given"}
    return row("latent", **(values | {"h": 4.0, "protected": True} | changes))


def test_one_particle_near_a_protected_latent_is_put_at_the_radius():
    """SPELL with strength 1: x0' = x0 - rep is at distance r = 2 of what it was nearer to, and stays beyond it."""
    embed, zero = SPACES["latent"](context(8, torch.float64)), torch.zeros(1, 4, 8, 8, dtype=torch.float64)
    near = torch.zeros_like(zero)
    near[0, 0, 0, 0] = 0.5
    for distance, after in ((0.5, 2.0), (1.9, 2.0), (3.0, 3.0)):
        x = (near * distance / 0.5).requires_grad_()
        moved = x.detach() - force(spell(), embed, x, x, 1.0, 0, zero)
        assert moved.norm().item() == pytest.approx(after) and moved[0, 0, 0, 0] == pytest.approx(after)


def test_protected_latents_count_as_particles_that_stay():
    x, others = latents(5, 8), latents(3, 8).flip(1)
    embed, every = SPACES["latent"](context(8, torch.float64)), torch.cat([x, others])
    for energy in ("rbf", "dpp_likelihood"):
        cell = spell(energy=energy, bandwidth="median", h=None)
        of_all = every.clone().requires_grad_()
        expected = force(replace(cell, protected=False), embed, of_all, of_all, 1.0, 0)[:5]
        of_five = x.clone().requires_grad_()
        assert torch.allclose(force(cell, embed, of_five, of_five, 1.0, 0, others), expected, atol=1e-14)


def test_protected_latents_are_no_noisy_ones():
    with pytest.raises(BadInput, match="protected: expected one of the inputs x0, denoised, got noisy"):
        spell(input="noisy")


@pytest.mark.parametrize("bandwidth,h", [("given", None), ("median", 2.0)])
def test_a_bandwidth_is_given_or_a_rule(bandwidth, h):
    with pytest.raises(BadInput, match="h: expected a number with bandwidth given and with no other"):
        Repulsion("sparse", "latent", "x0", Strength("prediction", 1.6), bandwidth, h=h)


@pytest.mark.parametrize("space", [*NEEDS])
def test_a_space_without_its_network_is_named(space):
    with pytest.raises(BadInput, match=f"space '{space}' needs"):
        SPACES[space](Context(0))


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"energy": "gravity"}, "unknown energy 'gravity'; expected one of rbf"),
        ({"input": "pixels"}, "unknown input 'pixels'; expected one of noisy, scaled, x0"),
        ({"bandwidth": "mean"}, "unknown bandwidth 'mean'; expected one of median, row_median"),
        ({"direction": "up"}, "unknown direction 'up'; expected one of apart, random, shuffled"),
        ({"strength": lambda: Strength("loud", 1.0)}, "unknown strength kind 'loud'; expected one of alpha, relative"),
        ({"strength": lambda: Strength("alpha", -1.0)}, "value: expected at least 0, got -1.0"),
    ],
)
def test_bad_rows(changes, message):
    with pytest.raises(BadInput, match=message):
        row("latent", **{key: value() if callable(value) else value for key, value in changes.items()})
    with pytest.raises(BadInput, match="unknown space 'nowhere'; expected one of latent, channel_average"):
        row("nowhere")
