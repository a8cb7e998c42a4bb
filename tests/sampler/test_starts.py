"""Joint starts: each particle's law is kept, and two of a group are correlated as they should be."""

import pytest
import torch

from repulsion.core.errors import BadInput
from repulsion.forces.contrast import Contrast, contrasted, infonce
from repulsion.forces.embeddings import Context
from repulsion.sampling.methods import Coupling, Method, Selection, Spread
from repulsion.sampling.sampler import sample
from repulsion.tensors.noise import coupled


@pytest.mark.parametrize("m", [2, 3, 8])
def test_covariances_are_exact(m):
    """The map is linear: its matrix times its transpose is the covariance of standard normal draws."""
    matrix = coupled(torch.eye(m, dtype=torch.float64), None)
    covariance = matrix @ matrix.T
    expected = torch.full((m, m), -1 / (m - 1), dtype=torch.float64).fill_diagonal_(1)
    assert torch.allclose(covariance, expected, atol=1e-12)


def test_starts_sum_to_zero_in_their_group_and_do_not_depend_on_others():
    z = torch.randn(7, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    e = coupled(z, 3)
    assert all(torch.allclose(part.sum(0), torch.zeros(4, 8, 8), atol=1e-5) for part in e[:6].split(3))
    assert torch.equal(e[6], z[6])  # alone in the last group
    assert torch.equal(e[:3], coupled(z[:3], None))
    order = [2, 0, 1]
    assert torch.allclose(coupled(z[order], None), coupled(z[:3], None)[order], atol=1e-6)


def test_two_are_antithetic_and_one_is_itself():
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    e = coupled(z, None)
    assert torch.allclose(e[0], -e[1]) and torch.allclose(e[0], (z[0] - z[1]) / 2**0.5)
    assert torch.equal(coupled(z[:1], None), z[:1])


def test_a_method_starts_from_them():
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    sigmas = torch.tensor([5.0, 1.0, 0.0], dtype=torch.float64)

    def ended(method: Method, start: torch.Tensor) -> torch.Tensor:
        return sample(lambda x, sigma: x / (1 + sigma**2), sigmas, method, lambda _: start, Context(0), "test")

    assert torch.equal(ended(Method("euler", couple=Coupling()), z), ended(Method("euler"), coupled(z, None)))


def test_what_breaks_groups_up_is_refused():
    for name, part in (("spread", Spread(2.0, "langevin")), ("select", Selection(2, "latent"))):
        with pytest.raises(BadInput, match=f"couple: expected no {name} beside it"):
            Method("euler", couple=Coupling(), **{name: part})


def loss(x: torch.Tensor, anchor: torch.Tensor) -> float:
    return infonce(x.flatten(1), anchor.flatten(1), 0.1).item()


def test_the_contrastive_loss_by_hand():
    """Two unit vectors at a right angle, each at its anchor: -1 / (gamma tau) + 0 / tau, gamma = 1 as ln(n - 1) = 0."""
    phi = torch.eye(2, dtype=torch.float64)
    assert loss(phi, phi) == pytest.approx(-10)
    assert loss(3 * phi, phi) == pytest.approx(-10)  # cosines know no lengths
    assert loss(phi.flip(0), phi) == pytest.approx(0)


def test_contrasted_starts_differ_more_keep_their_norms_and_no_step_is_plain():
    z = torch.randn(6, 2, 4, 4, generator=torch.Generator().manual_seed(0)) + 1.0
    predicted = lambda start: 0.5 * start + 1  # noqa: E731
    moved = contrasted(z, predicted, Contrast(3, 0.05, cells=4))
    assert loss(predicted(moved), predicted(z)) < loss(predicted(z), predicted(z))
    cosines = [torch.nn.functional.normalize(predicted(x).flatten(1)) for x in (z, moved)]
    assert (cosines[1] @ cosines[1].T).mean() < (cosines[0] @ cosines[0].T).mean()
    assert torch.allclose(moved.flatten(1).norm(dim=1), z.flatten(1).norm(dim=1))
    assert torch.allclose(contrasted(z, predicted, Contrast(3, 1e-12, cells=4)), z)
    assert torch.equal(contrasted(z[:1], predicted, Contrast(3, 0.05)), z[:1])
    order = torch.tensor([3, 1, 0, 5, 4, 2])
    again = contrasted(z[order], predicted, Contrast(3, 0.05, cells=4))
    assert torch.allclose(again, moved[order], atol=1e-5)


def test_contrast_costs_a_pass_for_each_iteration_and_acts_at_the_first_level():
    z, seen = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(0)), []
    sigmas = torch.tensor([5.0, 1.0, 0.0], dtype=torch.float64)

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        seen.append(sigma)
        return x / (1 + sigma**2)

    row = Method("euler", contrast=Contrast(3, 0.05, cells=2))
    sample(denoise, sigmas, row, lambda _: z, Context(0), "test")
    assert seen == [5.0, 5.0, 5.0, 5.0, 1.0]


def test_contrast_and_copies_of_one_start_exclude_each_other():
    with pytest.raises(BadInput, match="contrast: expected no couple"):
        Method("euler", contrast=Contrast(1, 0.1), couple=Coupling())
    with pytest.raises(BadInput, match="contrast: expected no spread"):
        Method("euler", contrast=Contrast(1, 0.1), spread=Spread(2.0, "langevin"))
