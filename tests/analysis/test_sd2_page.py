"""The page of Stable Diffusion 2's numbers: bars and hours by hand."""

import json
from pathlib import Path

import pytest

from bench.sd2 import PLANS
from bench.sd2_page import bars, hours, page
from pipeline.machine.architecture import sd2_abar
from repulsion.diffusion.levels import noise_levels, sigma_table

COST = {"plain": {"images": 1000, "passes": 40.0, "pflop": 36.0}, "truth": {"images": 10, "passes": 0, "pflop": 0.0}}


def found(beside: int | None, plain: float, latent: float, theirs: float) -> dict:
    rows = [
        {"what": what, "n": 64, "seconds": s, "images_per_second": 64 / s, "peak_gib": 5.0}
        for what, s in (("plain", plain), ("latent", latent), ("diffusers", theirs))
    ]
    plan = {"beside": beside, "dtype": "float16", "levels": 20}
    names = {"date": "2030-01-01", "command": "python -m bench.sd2", "machine": "H100", "versions": {"torch": "9"}}
    tflop = {"denoiser": 0.8, "decoder": 2.5}
    return names | {
        "plan": plan,
        "tflop": tflop,
        "peak_tflops": 989,
        "agreement": [],
        "rows": rows,
        "costs": COST,
        "disk_gib": 1.0,
    }


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_what_warms_a_device_up_can_be_sampled(plan):
    for levels in (plan.levels, *([plan.warm_levels] if plan.warm_levels else [])):
        assert len(noise_levels("linspace", sigma_table(sd2_abar()), levels)) == levels + 1


def test_the_gpu_is_shown_beside_the_cpu():
    rows = [{"what": "rule_of_thirds", "dtype": "float16", "n": 8, "differ": 0.0125, "largest": 7}]
    text = page(found(None, 1.0, 1.0, 1.0) | {"agreement": rows})
    assert "## The GPU against the CPU" in text and "| rule of thirds | float16 | 8 | 0.0125 | 7 |" in text


def test_bars_are_ratios_of_one_run():
    held = {row[0]: row for row in bars(found(64, 4.0, 4.1, 5.6))}
    assert held["plain against diffusers, N = 64"][1:] == ["1.40 times", ">= 1.3", "holds"]
    assert held["latent against plain, N = 64"][1:] == ["1.025", "<= 1.03", "holds"]
    # 16 images/s of 40 x 0.8 + 2.5 TFLOP are 552 TFLOP/s
    assert held["share of the card's 16-bit peak, plain"][1:] == ["0.56", ">= 0.5", "holds"]
    missed = [row[3] for row in bars(found(64, 8.0, 8.4, 9.6))]
    assert missed == ["missed", "missed", "missed"]


def test_hours_are_measured_or_said_not_to_be():
    (measured,) = hours(found(64, 4.0, 4.1, 5.6)).items()
    assert measured == ("hours on H100, measured", pytest.approx(16 * 34.5))
    assert all("not measured" in name for name in hours(found(None, 4.0, 4.1, 5.6)))
    text = page(found(64, 4.0, 4.1, 5.6))
    assert "| plain | 1000 | 40 | 36 | 0.0 |" in text and "| all | 1010 |" in text and "No GPU" not in text


def test_the_page_in_git_is_that_of_the_numbers_in_git():
    report = Path(__file__).parents[2] / "report"
    assert page(json.loads((report / "sd2.json").read_text())) == (report / "sd2.md").read_text()
