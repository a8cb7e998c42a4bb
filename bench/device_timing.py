"""Time and memory of work on a GPU or on the CPU."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from tqdm import tqdm

from bench.timing import peak_memory_gib


def seconds(device: str, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def peak_gib(device: str) -> float:
    """Largest so far: allocated on the GPU, resident on the CPU."""
    return torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else peak_memory_gib()


def reset_peak(device: str) -> None:
    """Where that can be done: what a process has had resident stays its largest."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def measured(
    device: str, repeats: int, works: dict[str, Callable[[], object]], n: int, deadline: float = math.inf
) -> list[dict[str, Any]]:
    """Rows of works that make n images each, in turn, `repeats` times. What does not fit into the memory, or had not
    begun when time.perf_counter() reached `deadline`, is a row that says so."""
    times: dict[str, list[float]] = {name: [] for name in works}
    peaks: dict[str, float] = {}
    failed: dict[str, str] = {}
    for _ in range(repeats):
        for name in tqdm([name for name in works if name not in failed], desc=f"N = {n}"):
            if time.perf_counter() > deadline:
                break
            try:
                reset_peak(device)
                times[name].append(seconds(device, works[name]))
            except torch.OutOfMemoryError:
                failed[name] = "out of memory"
                torch.cuda.empty_cache()
                continue
            peaks[name] = peak_gib(device)
    rows = []
    for name in works:
        if name in failed or not times[name]:
            rows.append({"what": name, "n": n, "reason": failed.get(name, "no time was left")})
            continue
        median = statistics.median(times[name])
        rows.append({"what": name, "n": n, "seconds": round(median, 3), "images_per_second": round(n / median, 4),
                     "peak_gib": round(peaks[name], 2), "runs": len(times[name])})  # fmt: skip
    return rows


@torch.no_grad()
def part_row(
    device: str, what: str, work: Callable[[], object], repeats: int, tflop: float, n: int, matrix: float, base: float
) -> dict:
    """One micro-batch of n latents through a network: its rate beside a matrix product's, and how far the peak memory
    is above `base`."""
    reset_peak(device)
    seconds(device, work)
    rise = peak_gib(device) - base
    rate = tflop / statistics.median(seconds(device, work) for _ in range(repeats))
    return {"what": what, "n": n, "tflops": round(rate, 4), "of_matrix_product": round(rate / matrix, 3),
            "gib_per_latent": round(rise / n, 4)}  # fmt: skip
