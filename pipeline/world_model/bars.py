"""The bars that a world's model and its encoder must clear."""

from __future__ import annotations

from typing import Any

from pipeline.world.worlds import World


def bars(world: World, m: dict[str, Any]) -> list[dict[str, Any]]:
    """The bars that the model must clear, each with the value found (of the worst prompt where there are several)."""
    low, high = m["base_guidance_1"].values(), m["base_guidance_8"].values()
    rows = [
        ("VAE reconstruction PSNR, dB, mean over held-out renders", m["vae_psnr"], ">=", 30.0),
        ("subject read correctly, named prompts, guidance 8", m["named_subject_accuracy"], ">=", 0.97),
        ("artist read correctly, named prompts, guidance 8", m["named_artist_accuracy"], ">=", 0.95),
        ("worst pair, subject", m["named_worst_pair_subject"]["subject_accuracy"], ">=", 0.75),
        ("worst pair, artist", m["named_worst_pair_artist"]["artist_accuracy"], ">=", 0.75),
        (
            "base prompts, guidance 1: total variation of artist shares, worst prompt",
            max(p["artist_total_variation"] for p in low),
            "<=",
            0.10,
        ),
        (
            f"base prompts, guidance 8: effective artists of {len(world.artists)}, worst prompt's upper limit",
            max(p["effective_artists_95"][1] for p in high),
            "<=",
            len(world.artists) / 4,
        ),
        (
            "base prompts, guidance 8: place spread, worst prompt's upper limit, against the uniform one",
            max(p["place_spread_95"][1] for p in high),
            "<=",
            m["uniform_place_spread"],
        ),
        ("evaluation encoder, subject on held-out renders", m["encoder_subject_accuracy"], ">=", 0.99),
        ("evaluation encoder, artist on held-out renders", m["encoder_artist_accuracy"], ">=", 0.99),
        ("evaluation encoder, place RMSE, share of the image", m["encoder_place_rmse"], "<=", 0.02),
    ]
    holds = {">=": lambda value, bar: value >= bar, "<=": lambda value, bar: value <= bar}
    return [
        {"what": what, "value": value, "bar": f"{sign} {bar:g}", "holds": holds[sign](value, bar)}
        for what, value, sign, bar in rows
    ]
