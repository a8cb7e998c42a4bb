"""Slices against the whole, forwards and backwards."""

import pytest
import torch

from repulsion.tensors.slices import sliced

X = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
SCALE = torch.arange(1.0, 8.0, dtype=torch.float64).unsqueeze(1)


def cube(part: torch.Tensor, s: slice) -> torch.Tensor:
    return SCALE[s] * part**3


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 100])
def test_slices_give_what_the_whole_gives_and_its_gradient(batch):
    """d/dx sum_i c_i s_i x_i^3 = 3 c_i s_i x_i^2."""
    x = X.clone().requires_grad_()
    out = sliced(cube, x, batch)
    assert torch.allclose(out, SCALE * X**3)
    (gradient,) = torch.autograd.grad(out, x, 2 * torch.ones_like(out), retain_graph=True)
    assert torch.allclose(gradient, 6 * SCALE * X**2)
    (again,) = torch.autograd.grad(out, x, torch.ones_like(out))  # a graph may be differentiated twice
    assert torch.allclose(again, 3 * SCALE * X**2)


@pytest.mark.parametrize("batch", [2, 7])
def test_small_gradients_survive_float16(batch):
    """1e-9 is 0 in float16; the way back is scaled, and the gradient of 2 x is 2 of it in any format."""
    x = X.float().requires_grad_()
    out = sliced(lambda part, s: 2 * part.half(), x, batch)
    assert out.dtype == torch.float32
    (gradient,) = torch.autograd.grad(out, x, torch.full_like(x, 1e-9))
    assert torch.allclose(gradient, torch.full_like(x, 2e-9), rtol=1e-3)


def test_a_gradient_of_a_gradient_is_refused():
    x = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sliced(cube, x, 3).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.autograd.grad(gradient.sum(), x)


def test_no_gradient_is_made_where_none_is_needed():
    assert not sliced(cube, X, 2).requires_grad


@pytest.mark.parametrize("gradient_batch", [1, 2, 5, 7, 9])
@pytest.mark.parametrize("batch", [3, 7, 9])
def test_the_way_back_may_go_by_other_slices(batch, gradient_batch):
    sizes = []

    def counted(part: torch.Tensor, s: slice) -> torch.Tensor:
        if torch.is_grad_enabled():
            sizes.append(len(part))
        return cube(part, s)

    x = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sliced(counted, x, batch, gradient_batch), x, torch.ones_like(X))
    assert torch.allclose(gradient, 3 * SCALE * X**2) and max(sizes) <= gradient_batch and sum(sizes) == 7


@pytest.mark.parametrize("batch,graphs", [(7, 1), (3, 3)])
def test_one_slice_is_computed_once_and_several_once_more_for_the_way_back(batch, graphs):
    calls = []

    def counted(part: torch.Tensor, s: slice) -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        return cube(part, s)

    x = X.clone().requires_grad_()
    torch.autograd.grad(sliced(counted, x, batch), x, torch.ones_like(X))
    assert calls == [True] if batch == 7 else calls == [False] * 3 + [True] * 3
    assert calls.count(True) == graphs
