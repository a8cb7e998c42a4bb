"""What a world's readout finds in images: subjects, artists and places. A ground truth no photo set has."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import entr

PLACES = 0.28, 0.72  # where worlds put a subject's middle, in x and in y: pipeline.world.scene's, which needs torch
CELLS = 5
Readings = Float[np.ndarray, "n k"]


def artists(reading: Readings) -> Int[np.ndarray, " n"]:
    """The most likely artist of each image."""
    return reading.argmax(1)


def artist_shares(reading: Readings) -> Float[np.ndarray, " k"]:
    return np.bincount(artists(reading), minlength=reading.shape[1]) / len(reading)


def effective_artists(reading: Readings) -> float:
    """exp of the entropy (nats) of the artist shares: from 1 to the number of artists."""
    return float(np.exp(entr(artist_shares(reading)).sum()))


def subject_accuracy(reading: Readings, subject: int) -> float:
    """Share of images whose most likely subject is the prompt's."""
    return float((reading.argmax(1) == subject).mean())


def confidence(reading: Readings) -> float:
    """Mean probability of the most likely class: low where pictures are mixtures or broken."""
    return float(np.exp(reading.max(1)).mean())


def place_cells(place: Float[np.ndarray, "n 2"]) -> Int[np.ndarray, " n"]:
    """Which cell of a CELLS x CELLS grid over the world's places each image is in; what lies outside counts as at the
    edge."""
    low, high = PLACES
    cell = np.clip((CELLS * (place - low) / (high - low)).astype(int), 0, CELLS - 1)
    return cell[:, 0] * CELLS + cell[:, 1]


def place_coverage(place: Float[np.ndarray, "n 2"]) -> float:
    """Share of the grid's cells that some image is in; it grows with n."""
    return len(np.unique(place_cells(place))) / CELLS**2


def place_spread(place: Float[np.ndarray, "n 2"]) -> float:
    """Root mean square, over x and y, of the standard deviation of places, in shares of the image's side."""
    return float(np.sqrt(place.var(0, ddof=1).mean()))
