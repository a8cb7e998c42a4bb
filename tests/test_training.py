import pytest
import torch
from torch import nn

from pipeline.noise import keyed_generator
from pipeline.world.training import TrainingSettings, fingerprint, fit, learning_rate

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


@pytest.mark.parametrize("killed_at", [3, 7, 20, 29])
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
    fresh = Point()  # as a new process would start
    again = fit(fresh, noisy_bowl(fresh), SETTINGS, tmp_path / "killed.safetensors", "again")
    assert again == losses
    assert torch.equal(fresh.x, whole.x)


def test_a_loss_that_is_not_finite_stops_and_says_where(tmp_path):
    point = Point()
    with pytest.raises(FloatingPointError, match="bad: loss nan at step 0"):
        fit(point, lambda step: point.x.sum() * float("nan"), SETTINGS, tmp_path / "c.safetensors", "bad")


def test_a_checkpoint_belongs_to_its_settings_and_inputs(tmp_path):
    data = tmp_path / "data"
    data.write_text("one")
    first = fingerprint(SETTINGS, [data])
    data.write_text("two")
    assert fingerprint(SETTINGS, [data]) != first
    data.write_text("one")
    assert fingerprint(SETTINGS, [data]) == first
    assert fingerprint(TrainingSettings(31, 4, 0.1, 0.1, 0.0, 0.5, 7, 0), [data]) != first
