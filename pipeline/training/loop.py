"""One training loop for every network of the project: seeded, with an exponential moving average, restartable."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from tqdm import tqdm

from pipeline.profile.training_settings import TrainingSettings
from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import new_file
from repulsion.tensors.weights import write_tensors


def learning_rate(step: int, s: TrainingSettings) -> float:
    """Peak times a linear rise over the first `warmup` share of the steps, then a cosine fall to zero."""
    rise = max(1.0, s.warmup * s.steps)
    if step < rise:
        return s.peak_lr * min(1.0, (step + 1) / rise)
    return s.peak_lr * 0.5 * (1 + math.cos(math.pi * (step - rise) / (s.steps - rise)))


def fit(
    network: nn.Module, loss_at: Callable[[int], Tensor], settings: TrainingSettings, checkpoint: Path, title: str
) -> list[float]:
    """Train `network` to lower loss_at(step); leave the averaged weights in it and return the loss at every step.

    Continues from `checkpoint` where that file exists, with the same result bit for bit (on one machine and thread
    count) as a run that was not interrupted: the loss may draw randomness from its step only. Raises FloatingPointError
    at a loss that is not finite.
    """
    parameters = dict(network.named_parameters())
    optimizer = torch.optim.AdamW(parameters.values(), lr=settings.peak_lr, weight_decay=settings.weight_decay)
    average = {name: p.detach().clone() for name, p in parameters.items()}
    losses = restore(checkpoint, parameters, average, optimizer) if checkpoint.is_file() else []
    bar = tqdm(range(len(losses), settings.steps), desc=title, initial=len(losses), total=settings.steps)
    network.train()
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        loss = loss_at(step)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise FloatingPointError(f"{title}: loss {losses[-1]} at step {step}; the last checkpoint is kept")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        decay = min(settings.ema, (1 + step) / (10 + step))  # a young average forgets its random start sooner
        torch._foreach_lerp_(list(average.values()), [p.detach() for p in parameters.values()], 1 - decay)
        if (step + 1) % settings.checkpoint_every == 0:
            save_checkpoint(checkpoint, parameters, average, optimizer, losses)
        if step % 20 == 0:
            bar.set_postfix(loss=f"{sum(losses[-20:]) / len(losses[-20:]):.4f}")
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(average[name])
    network.eval()
    return losses


def save_checkpoint(
    path: Path,
    parameters: dict[str, nn.Parameter],
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    losses: list[float],
) -> None:
    """Everything a restart needs in one safetensors file, put in place by rename: a kill leaves the old or the new."""
    tensors = {"losses": torch.tensor(losses, dtype=torch.float64)}
    for name, p in parameters.items():
        tensors[f"parameter/{name}"] = p.detach().contiguous()
        tensors[f"average/{name}"] = average[name].contiguous()
        for moment in ("exp_avg", "exp_avg_sq"):
            tensors[f"{moment}/{name}"] = optimizer.state[p][moment].contiguous()
    write_tensors(path, tensors)


def restore(
    path: Path,
    parameters: dict[str, nn.Parameter],
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> list[float]:
    """Put a checkpoint's state into the arguments; the losses of the steps that it has seen. Raises BadInput for a file
    that is not whole."""
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise BadInput(f"{path}: not a whole checkpoint: {one_line(error)}; delete it to train anew") from None
    losses = tensors["losses"].tolist()
    with torch.no_grad():
        for name, p in parameters.items():
            p.copy_(tensors[f"parameter/{name}"])
            average[name].copy_(tensors[f"average/{name}"])
            optimizer.state[p] = {
                "step": torch.tensor(float(len(losses))),
                # in the parameter's own memory format: in another one the optimizer rounds otherwise
                "exp_avg": torch.zeros_like(p).copy_(tensors[f"exp_avg/{name}"]),
                "exp_avg_sq": torch.zeros_like(p).copy_(tensors[f"exp_avg_sq/{name}"]),
            }
    return losses


def write_curve(path: Path, losses: list[float], points: int) -> None:
    """A loss curve as a small CSV (step, loss): means over about `points` stretches of equal length."""
    stretch = max(1, len(losses) // points)
    with new_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", "loss"])
        for start in range(0, len(losses), stretch):
            chunk = losses[start : start + stretch]
            writer.writerow([start + len(chunk), f"{sum(chunk) / len(chunk):.6f}"])
