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


def by_rotation(sets: Int[np.ndarray, "sets particles"]) -> Float[np.ndarray, "sets n"]:
    """The different values among the first images of one prompt, once with each particle set as the first."""
    return np.stack([different(np.roll(sets, -k, axis=0).ravel()) for k in range(len(sets))])


def counted(study: Study, kind: str) -> dict[str, Float[np.ndarray, "prompts sets n"]]:
    """by_rotation of every prompt, for each method."""
    prompts = [p for p in read_prompts(study.prompts_file) if p.subject]
    shape = study.sampling.sets, study.sampling.particles
    found = {}
    for name in study.methods:
        features = read_features(study.features(name))
        found[name] = np.stack([by_rotation(found_in(features, prompt)[kind].reshape(shape)) for prompt in prompts])
    return found


def in_one_set(counts: Float[np.ndarray, "prompts sets n"], particles: int) -> Estimate:
    """The mean number in one particle set; resamples draw sets within each prompt, stretched by sqrt(C / (C - 1))."""
    each = counts[:, :, particles - 1]
    prompts, sets = each.shape
    if sets < 2:
        return Estimate(float(each.mean()), np.full(1, np.nan))
    drawn = choices(prompts, sets, SEED)
    deviation = each - each.mean(1, keepdims=True)
    moved = np.mean([deviation[q][drawn[:, q]].mean(1) for q in range(prompts)], axis=0)
    return Estimate(float(each.mean()), each.mean() + moved * np.sqrt(sets / (sets - 1)))


def images_for(curve: Float[np.ndarray, " n"], count: float) -> float:
    """The least number of images with at least `count` different values; nan where n are not enough."""
    reached = np.flatnonzero(curve >= count)
    return float(reached[0] + 1) if len(reached) else float("nan")


def table(study: Study) -> pd.DataFrame:
    """A row for each method: different artists and places in one particle set, in all of them, and how many images it
    needs for what plain sampling shows in all of its own.

    Only the first has an interval: of what all sets show together there is one draw. Empty where the encoder reads no
    factors.
    """
    if not reads_factors(study):
        return pd.DataFrame()
    p, columns = study.sampling, {}
    for kind in KINDS:
        counts = counted(study, kind)
        curves = {name: found.mean((0, 1)) for name, found in counts.items()}
        plain = curves[study.analysis.baseline][-1]
        columns[f"{kind} in {p.particles}"] = {m: in_one_set(found, p.particles) for m, found in counts.items()}
        columns[f"{kind} in {p.particles * p.sets}"] = {m: float(curve[-1]) for m, curve in curves.items()}
        columns[f"images for plain's {kind}"] = {m: images_for(curve, plain) for m, curve in curves.items()}
    return pd.DataFrame(columns).reindex(study.methods)
