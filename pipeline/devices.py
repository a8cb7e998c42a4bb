"""Devices: a tracked choice, never a guess, so that a result says where it was computed."""

from __future__ import annotations

from pipeline.params import BadInput

DEVICES = ("cpu", "cuda")


def require_known(device: str) -> None:
    if device not in DEVICES:
        raise BadInput(f"device: expected one of {', '.join(DEVICES)}, got {device!r}")


def require_device(device: str) -> None:
    """Raise BadInput unless torch can compute on the device here."""
    import torch  # seconds, which reading parameters should not cost

    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("device: cuda, but torch finds no CUDA device here; expected cpu, or a machine with a GPU")
