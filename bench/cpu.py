"""What makes sampling faster on two cores, and what would: sets at once against diffusers' loop; and changes to the
UNet, one at a time, in the guided call of a set of 30 particles (60 latents). Writes bench/results/cpu.json.

`times_faster` is than diffusers' loop, and for the UNet than diffusers' network as it is, by two threads.
`largest_difference` is from the same call on two threads, over its largest value; 0 is the same bytes. The same network
is measured twice: what the second row differs by, the measurement does.
"""

from __future__ import annotations

import copy
import datetime
import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bench.timing import CORES, interleaved, machine, median_ratio, seconds, use_two_cores
from pipeline.sampling.workers import each_done, torch_threads
from pipeline.world.captions import caption
from pipeline.world.worlds import PAINTED
from repulsion.core.errors import one_line_errors
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.model import load_pipeline, sample_plain
from repulsion.sampling.methods import load_method
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

MODEL = Path("models/painted-world")
RESULTS = Path(__file__).parent / "results" / "cpu.json"
LATENTS, TOKENS, TIMESTEP = 60, 16, 500
SETS, LEVELS, GUIDANCE = 8, 20, 8.0
CALLS = 20  # in one measurement
ROUNDS = 5
AS_IT_IS, IN_PROCESSES = "two threads", "one thread in each of two processes"
Call = Callable[[int], Tensor]  # of so many latents


class Kept(nn.Module):
    """A module whose result was computed before."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, *args: object) -> Tensor:
        return self.value


def inputs(n: int, width: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Latents and embedded texts of n latents; those of more begin with those of fewer."""
    draw = torch.Generator().manual_seed(0)
    x, text = torch.randn(LATENTS, 4, 8, 8, generator=draw), torch.randn(LATENTS, TOKENS, width, generator=draw)
    times = n // LATENTS
    return x.repeat(times, 1, 1, 1).to(dtype), text.repeat(times, 1, 1).to(dtype)


def of(unet: nn.Module, dtype: torch.dtype = torch.float32) -> Call:
    width = unet.config.cross_attention_dim
    return lambda n=LATENTS: unet(inputs(n, width, dtype)[0], TIMESTEP, inputs(n, width, dtype)[1]).sample.float()


def with_kept(unet: nn.Module, chosen: Callable[[str], bool]) -> nn.Module:
    """The network with the results of the chosen modules computed once, for the inputs of this benchmark."""
    kept, results = copy.deepcopy(unet), {}
    names = [name for name, _ in kept.named_modules() if chosen(name)]
    for name in names:
        kept.get_submodule(name).register_forward_hook(lambda m, i, out, name=name: results.update({name: out}))
    of(kept)(LATENTS)
    for name in names:
        kept.set_submodule(name, Kept(results[name]))
    return kept


def variants(unet: nn.Module) -> dict[str, nn.Module]:
    texts = with_kept(unet, lambda name: name.endswith(("attn2.to_k", "attn2.to_v")))
    times = with_kept(unet, lambda name: name.endswith(("time_embedding", "time_emb_proj")))
    last = copy.deepcopy(unet).to(memory_format=torch.channels_last)
    return {"channels last": last, "text projected once a prompt": texts, "time embedded once a level": times}


def compiled(unet: nn.Module) -> tuple[Call, float]:
    """By torch.compile, the weights as constants; and the seconds that it takes."""
    torch._inductor.config.freezing = True
    call = of(torch.compile(copy.deepcopy(unet)))
    return call, seconds(lambda: call(LATENTS))


def of_unet(unet: nn.Module) -> list[dict[str, Any]]:
    """A row for each change, ROUNDS times in turn."""
    calls = {AS_IT_IS: of(unet), "two threads, again": of(unet)} | {
        name: of(one) for name, one in variants(unet).items()
    }
    calls["bfloat16"] = of(copy.deepcopy(unet).bfloat16(), torch.bfloat16)
    remarks = {}
    if shutil.which("g++"):
        calls["compiled"], taken = compiled(unet)
        remarks["compiled"] = f"compiling took {taken:.0f} s"

    def repeated(call: Call, n: int = LATENTS) -> None:
        for _ in range(CALLS * LATENTS // n):
            call(n)

    works = {name: lambda call=call: repeated(call) for name, call in calls.items()}
    for sets in (2, 5):
        works[f"{sets} sets in one call"] = lambda n=sets * LATENTS: repeated(calls[AS_IT_IS], n)
    works[IN_PROCESSES] = lambda: list(each_done(lambda item: repeated(calls[AS_IT_IS]), [0, 1], CORES))
    found = {name: call(LATENTS) for name, call in calls.items()}
    with torch_threads(1):
        found[IN_PROCESSES] = calls[AS_IT_IS](LATENTS)
    times = interleaved(works, ROUNDS)
    times[IN_PROCESSES] = [taken / CORES for taken in times[IN_PROCESSES]]  # as each made as much
    rows: list[dict[str, Any]] = []
    for name, taken in times.items():
        row = {"what": name, "ms_a_latent": round(statistics.median(taken) / CALLS / LATENTS * 1000, 3)}
        row["times_faster"] = round(median_ratio(times, AS_IT_IS, name), 3)
        if name in found:
            gap = (found[name] - found[AS_IT_IS]).abs().max() / found[AS_IT_IS].abs().max()
            row["largest_difference"] = float(f"{gap:.2g}")
        rows.append(row | ({"remark": remarks[name]} if name in remarks else {}))
    return rows


def of_sets(pipe: StableDiffusionPipeline) -> list[dict[str, Any]]:
    """Eight plain sets as images: by diffusers' own loop on two threads, by ours, and by ours as stages make them."""
    plain, prompt, n = load_method("plain"), caption(PAINTED, "vase", None), LATENTS // 2
    request = SetRequest(prompt, 0, prompt, "linspace", LEVELS, GUIDANCE, 2 * n, 2 * n, n, "bench")

    def one_set(k: int) -> None:
        to_images(pipe, sample_particles(pipe, plain, request, list(range(k * n, k * n + n))).x0, n)

    def by_diffusers(k: int) -> None:
        sample_plain(pipe, [prompt] * n, list(range(k * n, k * n + n)), GUIDANCE, LEVELS, seed=0)

    def at_once(work: Callable[[int], None], workers: int, threads: int) -> Callable[[], object]:
        return lambda: list(each_done(work, list(range(SETS)), workers, threads))

    works = {
        "sets by diffusers' loop, two threads": at_once(by_diffusers, 1, CORES),
        "sets, two threads": at_once(one_set, 1, CORES),
        "sets, one thread in each of two processes": at_once(one_set, CORES, 1),
    }
    times = interleaved(works, ROUNDS)
    first = next(iter(times))
    return [
        {
            "what": name,
            "seconds_an_image": round(statistics.median(taken) / SETS / n, 4),
            "times_faster": round(median_ratio(times, first, name), 3),
        }
        for name, taken in times.items()
    ]


def main() -> None:
    use_two_cores()
    pipe = load_pipeline(MODEL, "cpu")
    with torch.no_grad():
        rows = [*of_sets(pipe), *of_unet(pipe.unet)]
    for row in rows:
        print(json.dumps(row))
    results = {"date": datetime.date.today().isoformat(), "machine": machine(), "latents": LATENTS, "rows": rows}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
