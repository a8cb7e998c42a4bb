"""The render error: zero for what the world paints, large for what only reads like it."""

import torch

from pipeline.encoders.nearest_render import PHASES, SIZES, render_error
from pipeline.world.render import render
from pipeline.world.scene import SIZE_HIGH, SIZE_LOW, Scenes
from pipeline.world.worlds import PAINTED


def scene(n: int, size: float, phase: float) -> Scenes:
    place = torch.tensor([[0.5, 0.4]]).expand(n, 2)
    factor = torch.arange(n)
    return Scenes(factor % 12, factor % 20, place, torch.full((n,), size), torch.full((n,), phase))


def error(images: torch.Tensor, s: Scenes) -> torch.Tensor:
    return render_error(PAINTED, images, s.subject, s.artist, s.place)


def test_a_render_of_the_grid_has_no_error_and_others_little():
    middle = SIZE_LOW + (SIZE_HIGH - SIZE_LOW) * 0.5 / SIZES
    on = scene(6, middle, 1 / PHASES)
    assert error(render(PAINTED, on), on).max() == 0
    off = scene(6, middle + 0.005, 0.5 / PHASES)
    assert 0 < error(render(PAINTED, off), off).mean() < 0.1


def test_noise_and_another_scene_are_far_from_their_render():
    s = scene(6, 0.28, 0.0)
    clean = error(render(PAINTED, s), s)
    noise = torch.randint(0, 256, (6, 3, 64, 64), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert error(noise, s).min() > 0.25
    other = Scenes((s.subject + 1) % 12, (s.artist + 7) % 20, s.place, s.size, s.phase)
    assert (error(render(PAINTED, other), s) > 2 * clean).all()


def test_more_corruption_more_error():
    s = scene(4, 0.28, 0.0)
    draw = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    errors = []
    for share in (0.0, 0.05, 0.1, 0.2):
        images = (render(PAINTED, s) + 255 * share * draw).clamp(0, 255).to(torch.uint8)
        errors.append(error(images, s).mean().item())
    assert errors == sorted(errors) and errors[-1] > errors[0] + 0.05
