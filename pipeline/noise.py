"""Randomness as an argument: one generator per purpose, keyed by what it is for."""

from __future__ import annotations

import hashlib

import torch


def keyed_generator(*keys: str | int) -> torch.Generator:
    """A CPU generator that depends on the keys alone: not on the batch, the device or what was drawn before.

    Keys are joined by slashes: keep at most one free text among them, at a fixed place, so that no two lists
    read alike.
    """
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
