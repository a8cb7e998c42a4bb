import pytest
import torch

from repulsion.core.errors import BadInput
from repulsion.diffusion.levels import SCHEDULES, interpolate, noise_levels, scaled_linear_abar, sigma_table

TABLE = sigma_table(scaled_linear_abar(0.00085, 0.012, 1000))
# printed by the thesis's code for Stable Diffusion 2
THESIS = [14.6146, 10.7468, 8.0815, 6.2050, 4.8557, 3.8654, 3.1238, 2.5572, 2.1157, 1.7648, 1.4806, 1.2458, 1.0481]
THESIS += [0.8784, 0.7297, 0.5964, 0.4736, 0.3555, 0.2322, 0.0292, 0.0]


def test_the_thesis_levels_to_four_digits():
    # half a unit of the last printed digit, and what their float32 adds
    assert noise_levels("linspace", TABLE, 20).tolist() == pytest.approx(THESIS, abs=1e-4)


def test_karras_levels_are_even_in_the_seventh_root():
    sigmas = noise_levels("karras", TABLE, 9)
    roots = sigmas[:-1] ** (1 / 7)
    assert torch.allclose(roots.diff(), roots.diff()[0].expand(8))
    assert sigmas[0].item() == pytest.approx(TABLE[-1].item()) and sigmas[-2].item() == pytest.approx(TABLE[0].item())


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("levels", [2, 7, 50])
def test_levels_fall_to_zero(schedule, levels):
    sigmas = noise_levels(schedule, TABLE, levels)
    assert len(sigmas) == levels + 1 and (sigmas.diff() < 0).all() and sigmas[-1] == 0


def test_interpolation_between_and_at_the_points():
    xs, ys = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([10.0, 20.0, 0.0])
    assert interpolate(torch.tensor([0.0, 0.25, 1.0, 2.0, 3.0]), xs, ys).tolist() == [10, 12.5, 20, 10, 0]


@pytest.mark.parametrize(
    "schedule,levels,message",
    [
        ("cosine", 20, "unknown schedule 'cosine'; expected one of linspace, karras"),
        ("linspace", 1, "at least 2, got 1"),
    ],
)
def test_bad_levels(schedule, levels, message):
    with pytest.raises(BadInput, match=message):
        noise_levels(schedule, TABLE, levels)
