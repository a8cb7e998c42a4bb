"""Intervals and paired tests by a cluster bootstrap. The unit is the particle set within a prompt: particles of one set
depend on each other, sets of one prompt do not.

A metric of a prompt's images is no mean over its sets, and 10,000 times a Fréchet distance would take hours. So each
metric is taken once with each particle set left out; its pseudo-values (Tukey 1958) represent the sets, and their means
are resampled: prompts stay, sets are drawn with replacement within each prompt, the same draw for all methods.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from repulsion.core.errors import BadInput

RESAMPLES = 10_000
LEVEL = 0.95


def pseudo_values(
    value: Float[np.ndarray, "prompts ..."], left_out: Float[np.ndarray, "prompts sets ..."]
) -> Float[np.ndarray, "prompts sets ..."]:
    """C value - (C - 1) value without set c, with C sets for each prompt: their mean estimates the metric, their spread
    its error."""
    c = left_out.shape[1]
    if c < 2:
        raise BadInput(f"intervals: expected at least 2 particle sets for each prompt, got {c}")
    return c * value[:, None] - (c - 1) * left_out


def times_drawn(prompts: int, sets: int, seed: int) -> Float[np.ndarray, "resamples prompts sets"]:
    """How often each resample draws each set, of as many sets for each prompt as it has."""
    return counted_draws(RESAMPLES, prompts, sets, seed)


@lru_cache(maxsize=4)  # every estimate of a study shares one draw
def counted_draws(resamples: int, prompts: int, sets: int, seed: int) -> Float[np.ndarray, "resamples prompts sets"]:
    drawn = np.random.default_rng(seed).integers(sets, size=(resamples, prompts, sets))
    counts = np.stack([(drawn == c).sum(-1) for c in range(sets)], -1).astype(float)
    counts.flags.writeable = False
    return counts


def resampled(
    value: Float[np.ndarray, "prompts ..."],
    left_out: Float[np.ndarray, "prompts sets ..."],
    times: Float[np.ndarray, "resamples prompts sets"],
) -> Float[np.ndarray, "resamples ..."]:
    """The metric's mean over prompts in every resample; of several numbers at once (a curve) where it has them.

    Deviations are centred on the metric itself: the interval is one for its expected value at this n, bias included
    (the mean of the pseudo-values would take a guess of that bias away). They are stretched by sqrt(C / (C - 1)):
    drawing C of C sets shows too little of their spread.
    """
    pseudo = pseudo_values(value, left_out)
    deviation = pseudo - pseudo.mean(1, keepdims=True)
    prompts, c = pseudo.shape[:2]
    means = np.tensordot(times, deviation, axes=2) / (prompts * c)
    return value.mean(0) + means * np.sqrt(c / (c - 1))


def interval(draws: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """The middle 95% of the resamples; nan for an end that is infinite."""
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return (float(low) if np.isfinite(low) else np.nan, float(high) if np.isfinite(high) else np.nan)


def band(draws: Float[np.ndarray, "resamples n"]) -> Float[np.ndarray, "2 n"]:
    """The interval at each point of a curve, point by point: low and high."""
    return np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)


def share_interval(share: Float[np.ndarray, "..."], n: Float[np.ndarray, "..."]) -> Float[np.ndarray, "2 ..."]:
    """Wilson's 95% interval of a share of n independent cases (Wilson 1927): low and high, within 0 and 1."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.array([middle - reach, middle + reach])


def p_value(difference: Float[np.ndarray, " resamples"]) -> float:
    """Two-sided: twice the share of resamples on the far side of zero, never below 2 / (resamples + 1); nan for nan."""
    n = len(difference)
    if np.isnan(difference).any():
        return float("nan")
    far = min((difference <= 0).sum(), (difference >= 0).sum())
    return float(min(1.0, 2 * (far + 1) / (n + 1)))


def holm(p: dict[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment: the k-th smallest of m times m - k + 1, never falling; at most 1."""
    adjusted, running = {}, 0.0
    for k, (name, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        running = max(running, min(1.0, (len(p) - k) * value))
        adjusted[name] = running
    return {name: adjusted[name] for name in p}
