"""The training of a denoiser: round after round, each on scenes of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from pipeline.profile.training_settings import TrainingSettings
from pipeline.training.loop import fit, write_curve
from pipeline.world_model.artifacts import Artifacts
from pipeline.world_model.latents import TrainingLatents, training_latents


def train_rounds(
    artifacts: Artifacts,
    part: str,
    network: nn.Module,
    loss_at: Callable[[TrainingLatents, TrainingSettings, int], Tensor],
    save: Callable[[], None],
    points: int,
) -> None:
    """Train `network` by the rounds of the parameters' `part`, each of which starts from the averaged weights of the
    round before; then call `save`, write the curve in `points` points, and delete the checkpoints, which are of no more
    use."""
    rounds = getattr(artifacts.params, part).rounds
    losses, keys, checkpoints = [], [], []
    for number, params in enumerate(rounds, 1):
        data, key = training_latents(artifacts, params)
        keys.append(key)
        checkpoints.append(artifacts.checkpoint(part, *keys))
        title = f"{part}, round {number} of {len(rounds)}"
        losses += fit(network, partial(loss_at, data, params.training), params.training, checkpoints[-1], title)
    save()
    write_curve(artifacts.curve(part), losses, points)
    for checkpoint in checkpoints:
        checkpoint.unlink(missing_ok=True)
