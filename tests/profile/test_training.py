import pytest
import torch
from torch import nn

from pipeline.profile.scratch import fingerprint
from pipeline.profile.training_settings import TrainingSettings
from pipeline.training.loop import fit, learning_rate
from repulsion.tensors.noise import keyed_generator

SETTINGS = TrainingSettings(
    steps=30, batch=4, peak_lr=0.1, warmup=0.1, weight_decay=0.0, ema=0.5, checkpoint_every=7, seed=0
)


class Point(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.tensor([1.0, -2.0]))


def noisy_bowl(point: Point):
    def loss_at(step):
        target = 0.01 * torch.randn(2, generator=keyed_generator(0, "bowl", step))
        return (point.x - target).square().sum()

    return loss_at


def test_learning_rate_rises_to_its_peak_and_falls_to_zero():
    rates = [learning_rate(step, SETTINGS) for step in range(30)]
    assert rates[0] == pytest.approx(0.1 / 3) and rates[2] == pytest.approx(0.1) and max(rates) == rates[2]
    assert rates[3:] == sorted(rates[3:], reverse=True)
    # half of the way down at the middle of the cosine: (16.5 - 3) / 27
    assert learning_rate(16, SETTINGS) + learning_rate(17, SETTINGS) == pytest.approx(0.1, rel=1e-9)
    assert rates[-1] < 1e-3


def test_fit_finds_the_bottom_of_a_bowl(tmp_path):
    settings = TrainingSettings(300, 4, 0.1, 0.1, 0.0, 0.9, 100, 0)
    point = Point()
    losses = fit(point, noisy_bowl(point), settings, tmp_path / "c.safetensors", "bowl")
    assert len(losses) == 300 and point.x.abs().max() < 0.05


@pytest.mark.parametrize("killed_at", [7, 20, 29])
def test_a_killed_run_ends_with_the_same_bits(tmp_path, killed_at):
    whole = Point()
    losses = fit(whole, noisy_bowl(whole), SETTINGS, tmp_path / "whole.safetensors", "whole")

    class Killed(Exception):
        pass

    point = Point()
    bowl = noisy_bowl(point)

    def loss_until_killed(step):
        if step == killed_at:
            raise Killed
        return bowl(step)

    with pytest.raises(Killed):
        fit(point, loss_until_killed, SETTINGS, tmp_path / "killed.safetensors", "killed")
    fresh = Point()
    fresh.x.data.fill_(99.0)  # a new process; all that it knows is in the checkpoint
    bowl, steps = noisy_bowl(fresh), []

    def recorded(step):
        steps.append(step)
        return bowl(step)

    again = fit(fresh, recorded, SETTINGS, tmp_path / "killed.safetensors", "again")
    assert steps[0] == killed_at // 7 * 7
    assert again == losses
    assert torch.equal(fresh.x, whole.x)


def test_the_average_is_what_fit_leaves(tmp_path):
    """Two steps of Adam without decay move by the rate each; the average follows with decays 1/10 and 2/11."""
    settings = TrainingSettings(2, 1, 0.1, 0.0, 0.0, 0.9, 100, 0)
    point = Point()
    fit(point, lambda step: point.x[0] * 1.0, settings, tmp_path / "c.safetensors", "line")
    first, second = 1.0 - learning_rate(0, settings), 1.0 - learning_rate(0, settings) - learning_rate(1, settings)
    average = 0.1 * 1.0 + 0.9 * first
    average = 2 / 11 * average + 9 / 11 * second
    assert point.x[0].item() == pytest.approx(average, abs=1e-6)


def test_channels_last_restarts_with_the_same_bits(tmp_path):
    """Moments must come back in their weight's layout: in another one the optimizer rounds otherwise."""

    def convolution():
        torch.manual_seed(0)
        return nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last)

    def loss_of(network, stop):
        def loss_at(step):
            if step == stop:
                raise KeyboardInterrupt
            return network(torch.randn(2, 3, 8, 8, generator=keyed_generator("image", step))).square().mean()

        return loss_at

    whole = convolution()
    fit(whole, loss_of(whole, None), SETTINGS, tmp_path / "whole.safetensors", "whole")
    killed = convolution()
    with pytest.raises(KeyboardInterrupt):
        fit(killed, loss_of(killed, 17), SETTINGS, tmp_path / "c.safetensors", "killed")
    fresh = convolution()
    fit(fresh, loss_of(fresh, None), SETTINGS, tmp_path / "c.safetensors", "again")
    assert torch.equal(fresh.weight, whole.weight)


def test_a_loss_that_is_not_finite_stops_and_says_where(tmp_path):
    point = Point()
    with pytest.raises(FloatingPointError, match="bad: loss nan at step 0"):
        fit(point, lambda step: point.x.sum() * float("nan"), SETTINGS, tmp_path / "c.safetensors", "bad")


def test_a_checkpoint_belongs_to_what_it_is_given():
    assert fingerprint({"steps": 3}, "cpu") == fingerprint({"steps": 3}, "cpu")
    assert (
        len({fingerprint({"steps": 3}, "cpu"), fingerprint({"steps": 4}, "cpu"), fingerprint({"steps": 3}, "cuda")})
        == 3
    )
