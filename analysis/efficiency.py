"""How many images it takes: different artists and places among the first n of a prompt.

Only what is recognised counts: the image reads as its prompt's subject, and its artist with a probability of a half.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from analysis import truth
from analysis.estimates import SEED, Estimate
from analysis.intervals import choices
from analysis.settings import Study
from pipeline.feature_sets import FeatureSet, read_features
from pipeline.prompts import Prompt, read_prompts

SURE = np.log(0.5)
KINDS = ("artists", "places")
RESAMPLES = 1000  # each counts anew; ten thousand would take minutes


def reads_factors(study: Study) -> bool:
    return "artist" in read_features(study.features(study.analysis.baseline)).classes


def recognised(vectors: dict[str, np.ndarray], subject: int) -> Bool[np.ndarray, " n"]:
    return (vectors["subject"].argmax(1) == subject) & (vectors["artist"].max(1) >= SURE)


def found_in(features: FeatureSet, prompt: Prompt) -> dict[str, Int[np.ndarray, " n"]]:
    """The artist, and the cell of the places' grid, of each of a prompt's images; -1 for one that is not recognised."""
    vectors = features.of(prompt.prompt_id)
    sure = recognised(vectors, list(features.classes["subject"]).index(prompt.subject))
    seen = {"artists": truth.artists(vectors["artist"]), "places": truth.place_cells(vectors["place"])}
    return {kind: np.where(sure, values, -1) for kind, values in seen.items()}


def different(values: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """How many different values there are among the first k, for each k from 1 to n; -1 does not count."""
    new = np.zeros(len(values), int)
    _, first = np.unique(values, return_index=True)
    new[first] = 1
    new[values == -1] = 0
    return new.cumsum()


def curves(study: Study, kind: str) -> dict[str, Float[np.ndarray, "resamples n"]]:
    """For each method the mean over prompts of the different values among the first n images: first as measured, then
    in every resample of whole particle sets, the same ones for all methods.

    A resample that draws a set twice finds fewer different values than two sets would: the resamples are centred on
    what was measured, and only their spread is used.
    """
    prompts = [p for p in read_prompts(study.prompts_file) if p.subject]
    p = study.sampling
    drawn = choices(len(prompts), p.sets, SEED)[:RESAMPLES]
    rows = {}
    for name in study.methods:
        features = read_features(study.features(name))
        values = [found_in(features, prompt)[kind].reshape(p.sets, p.particles) for prompt in prompts]
        measured = np.mean([different(v.ravel()) for v in values], axis=0)
        resampled = np.stack(
            [np.mean([different(v[order[q]].ravel()) for q, v in enumerate(values)], axis=0) for order in drawn]
        )
        rows[name] = np.concatenate([measured[None], measured + resampled - resampled.mean(0)])
    return rows


def images_for(curve: Float[np.ndarray, " n"], count: float) -> float:
    """The least number of images with at least `count` different values; nan where n are not enough."""
    reached = np.flatnonzero(curve >= count)
    return float(reached[0] + 1) if len(reached) else float("nan")


def table(study: Study) -> pd.DataFrame:
    """A row for each method: different artists and places among the first images, of one particle set and of all, and
    how many images it needs for what plain sampling shows in all of its own. Empty where the encoder reads none."""
    p, columns = study.sampling, {}
    if not reads_factors(study):
        return pd.DataFrame()
    for kind in KINDS:
        by_method = curves(study, kind)
        plain = by_method[study.analysis.baseline][0, -1]
        for n in (p.particles, p.particles * p.sets):
            columns[f"{kind} in {n}"] = {m: Estimate(c[0, n - 1], c[1:, n - 1]) for m, c in by_method.items()}
        columns[f"images for plain's {kind}"] = {
            m: Estimate(images_for(c[0], plain), np.array([images_for(one, plain) for one in c[1:]]))
            for m, c in by_method.items()
        }
    return pd.DataFrame(columns).reindex(study.methods)
