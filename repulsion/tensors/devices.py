"""Devices: a tracked choice, never a guess, so that a result says where it was computed."""

from __future__ import annotations

import torch

from repulsion.core.errors import BadInput


def require_device(device: str) -> None:
    """Raise BadInput unless torch can compute on the device here."""
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("device: cuda, but torch finds no CUDA device here; expected cpu, or a machine with a GPU")
