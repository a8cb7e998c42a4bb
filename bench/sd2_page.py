"""bench.sd2's numbers as a page: what was measured, whether it holds its bars, what the thesis-size run would cost."""

from __future__ import annotations

from typing import Any

# (what is compared, rows' name, whether the rows' time against plain's at the same N is at most ...)
OVERHEAD = {"latent": 1.03, "channel_average": 1.03, "rule_of_thirds": 1.03, "random_cnn": 1.03,
            "style_classifier": 1.05, "style_classifier_thirds": 1.05}  # fmt: skip
CARDS = {"RTX 4090": 165, "A100": 312, "H100": 989}  # 16-bit TFLOP/s by data sheet, for estimates
HALF = 0.5


def table(head: list[str], rows: list[list[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def find(rows: list[dict[str, Any]], what: str, n: int) -> dict[str, Any] | None:
    """A row that was measured."""
    return next((row for row in rows if row["what"] == what and row["n"] == n and "seconds" in row), None)


def bars(found: dict[str, Any]) -> list[list[object]]:
    """Ratios of one run against their bars; empty where only the CPU was there."""
    rows, out = found["rows"], []
    n = found["plan"]["beside"]
    plain = find(rows, "plain", n)
    if plain is None:
        return []
    if theirs := find(rows, "diffusers", n):
        faster = theirs["seconds"] / plain["seconds"]
        out.append([f"plain against diffusers, N = {n}", f"{faster:.2f} times", ">= 1.3", faster >= 1.3])
    for name, bar in OVERHEAD.items():
        if one := find(rows, name, n):
            ratio = one["seconds"] / plain["seconds"]
            out.append([f"{name.replace('_', ' ')} against plain, N = {n}", f"{ratio:.3f}", f"<= {bar}", ratio <= bar])
    if found["peak_tflops"]:
        rate = plain["images_per_second"] * (40 * found["tflop"]["denoiser"] + found["tflop"]["decoder"])
        share = rate / found["peak_tflops"]
        out.append(["share of the card's 16-bit peak, plain", f"{share:.2f}", f">= {HALF}", share >= HALF])
    return [[what, value, bar, "holds" if holds else "missed"] for what, value, bar, holds in out]


def hours(found: dict[str, Any]) -> dict[str, float]:
    """TFLOP/s to reckon with: as measured on the GPU that was there; else half of cards' peaks, which is an aim."""
    plain = find(found["rows"], "plain", found["plan"]["beside"])
    if plain:
        rate = plain["images_per_second"] * (40 * found["tflop"]["denoiser"] + found["tflop"]["decoder"])
        return {f"hours on {found['machine']}, measured": rate}
    return {f"hours on {card}, at half of its peak (not measured)": HALF * peak for card, peak in CARDS.items()}


def measured_table(rows: list[dict[str, Any]]) -> str:
    columns = ("what", "n", "seconds", "images_per_second", "peak_gib", "tflops", "of_matrix_product", "gib_per_latent",
               "runs", "reason")  # fmt: skip
    used = [c for c in columns if any(c in row for row in rows)]
    cells = [[str(row.get(c, "")).replace("_", " ") for c in used] for row in rows]
    return table([c.replace("_", " ") for c in used], cells)


def cost_table(costs: dict[str, dict[str, Any]], rates: dict[str, float]) -> str:
    def times(pflop: float) -> list[str]:
        return [f"{pflop / rate / 3.6:.1f}" for rate in rates.values()]

    cells = [
        [name.replace("_", " "), c["images"], f"{c['passes']:g}", f"{c['pflop']:.0f}", *times(c["pflop"])]
        for name, c in costs.items()
    ]
    images, pflop = (sum(c[key] for c in costs.values()) for key in ("images", "pflop"))
    cells.append(["all", images, "", f"{pflop:.0f}", *times(pflop)])
    return table(["set", "images", "passes", "PFLOP", *rates], cells)


NO_GPU = """No GPU was available: one particle set ran on the CPU. On a machine with a GPU the same command measures
every method at N = 16 and 64, two of them at 500, beside diffusers' own pipeline, and whether the bars hold."""
AGREE = """The painted world's model (trained, 64 x 64 pixels), sampled on the GPU and on the CPU from the same seeds:
the share of pixel values that differ by more than one step of 255, and the largest difference."""
COUNTED = """Passes are latents through the UNet for one image, forwards and backwards, counted by dry runs of the
sampler. A latent is {denoiser:.3f} TFLOP in the UNet and {decoder:.2f} in the decoder. Images and features take about
{disk:.0f} GiB of disk. The hours of the style classifier's trajectories and of the metrics come on top."""


def page(found: dict[str, Any]) -> str:
    """Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    parts = [
        "# Stable Diffusion 2's architecture, measured",
        f"By `{found['command']}` on {found['date']}: {found['machine']}; {versions}; {found['plan']['dtype']};\n"
        f"random weights, on which time and memory do not depend; {found['plan']['levels']} levels, guidance 8.",
        "" if found["plan"]["beside"] else NO_GPU,
        measured_table(found["rows"]),
    ]
    if held := bars(found):
        parts += ["## Bars", table(["what", "measured", "bar", ""], held)]
    if found["agreement"]:
        cells = [[row["what"].replace("_", " "), row["dtype"], row["n"], row["differ"], row["largest"]]
                 for row in found["agreement"]]  # fmt: skip
        parts += ["## The GPU against the CPU", AGREE, table(["set", "format", "n", "differ", "largest"], cells)]
    counted = COUNTED.format(**found["tflop"], disk=found["disk_gib"])
    parts += ["## What the thesis-size run costs", counted, cost_table(found["costs"], hours(found))]
    return "\n\n".join(part for part in parts if part) + "\n"
