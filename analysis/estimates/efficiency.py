"""How many images it takes: different artists and places among the first n of a prompt.

Only what is recognised counts: the image reads as its prompt's subject, and its artist with a probability of a half.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from analysis.estimates.estimates import SEED, Estimate
from analysis.estimates.intervals import resampled, times_drawn
from analysis.metrics import truth
from analysis.study.inputs import features_of
from analysis.study.settings import Study
from pipeline.profile.prompts import Prompt, read_prompts
from pipeline.sets.feature_sets import READS, FeatureSet

SURE = np.log(0.5)
KINDS = ("artists", "places")


def reads_factors(study: Study) -> bool:
    return "artist" in READS[study.encoder.name]


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


@dataclass(frozen=True)
class Curve:
    """Different values among the first k images of a prompt, k from 1 to n, mean over prompts and over which particle
    set comes first; and the same in every resample (nan in one draw, where there is one particle set)."""

    value: Float[np.ndarray, " n"]
    draws: Float[np.ndarray, "resamples n"]

    def at(self, k: int) -> Estimate:
        return Estimate(float(self.value[k - 1]), self.draws[:, k - 1])


def curve(sets: Int[np.ndarray, "prompts sets particles"]) -> Curve:
    """The curve of all prompts. Its resamples follow from the curves without each particle set, which end sooner: what
    their last number leaves open stands for the numbers after it."""
    prompts, count, particles = sets.shape
    whole = np.array([by_rotation(of_prompt).mean(0) for of_prompt in sets])
    if count < 2:
        return Curve(whole.mean(0), np.full((1, particles), np.nan))
    left_out = np.array(
        [[by_rotation(np.delete(of_prompt, c, axis=0)).mean(0) for c in range(count)] for of_prompt in sets]
    )
    left_out = np.pad(left_out, ((0, 0), (0, 0), (0, particles)), mode="edge")
    return Curve(whole.mean(0), resampled(whole, left_out, times_drawn(prompts, count, SEED)))


def curves(study: Study, kind: str) -> dict[str, Curve]:
    """The curve of each method; all share one draw of particle sets."""
    prompts = [p for p in read_prompts(study.prompts_file) if p.subject]
    shape = study.sampling.sets_per_prompt, study.sampling.particles
    found = {}
    for name in study.methods:
        features = features_of(study, name)
        found[name] = curve(np.array([found_in(features, prompt)[kind].reshape(shape) for prompt in prompts]))
    return found


def first_reaching(counts: Float[np.ndarray, "... n"], least: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """The least number of images with at least `least` different values; infinite where n are not enough."""
    reached = counts >= np.asarray(least)[..., None]
    return np.where(reached.any(-1), reached.argmax(-1) + 1.0, np.inf)


def images_for(method: Curve, plain: Curve) -> Estimate:
    """How many images of a method show as many different values as all of plain sampling's; both move with the
    resamples. Without a value where all of the method's are not enough; an end of the interval likewise."""
    draws = first_reaching(method.draws, plain.draws[:, -1])
    known = ~np.isnan(plain.draws[:, -1])
    value = float(first_reaching(method.value, plain.value[-1]))
    return Estimate(value if np.isfinite(value) else np.nan, np.where(known, draws, np.nan))


def table(study: Study) -> pd.DataFrame:
    """A row for each method: different artists and places in one particle set, in all of them, and how many images it
    needs for what plain sampling shows in all of its own. Empty where the encoder reads no factors."""
    if not reads_factors(study):
        return pd.DataFrame()
    p, columns = study.sampling, {}
    for kind in KINDS:
        found = curves(study, kind)
        plain = found[study.analysis.baseline]
        for count in (p.particles, p.particles * p.sets_per_prompt):
            columns[f"{kind} in {count}"] = {name: one.at(count) for name, one in found.items()}
        needed = {name: images_for(one, plain) for name, one in found.items()}
        # plain sampling against itself: where its last new value came, of which there is one draw
        needed[study.analysis.baseline] = replace(needed[study.analysis.baseline], draws=np.full(1, np.nan))
        columns[f"images for plain's {kind}"] = needed
    return pd.DataFrame(columns).reindex(study.methods)
