"""DEFINITIONS: what every number of a table or a page is, and which way is better. The only list; the leaderboard's
schema and both pages take it from here."""

from __future__ import annotations

import re
from dataclasses import dataclass

MORE, LESS = "more", "less"


@dataclass(frozen=True)
class Definition:
    """What a number is; `better` is MORE, LESS, or empty where neither way is better. `name` is what pages call it,
    where that is not its key."""

    text: str
    better: str = ""
    name: str = ""


DEFINITIONS = {
    "frechet": Definition(
        "Fréchet distance: between Gaussians fitted to the features of a set and of the reference; with few images it "
        "is biased upwards",
        LESS,
        name="Fréchet distance",
    ),
    "mmd": Definition(
        "squared maximum mean discrepancy, unbiased: how far the features of a set are distributed from the "
        "reference's",
        LESS,
        name="MMD",
    ),
    "precision": Definition("share of images that lie among the true renders, by nearest neighbours", MORE),
    "nearest_distance": Definition("distance of an image's features to the nearest true render", LESS),
    "drift": Definition("how far images have moved from plain sampling's of the same noise: an MMD of pairs"),
    "effective_artists": Definition("how many artists there are, each counted by its share", MORE),
    "place_spread": Definition(
        "root mean square deviation of the subject's place, in shares of the image's side", MORE
    ),
    "place_coverage": Definition("share of a 5 x 5 grid of places in which some image has its subject", MORE),
    "artist_confidence": Definition("probability that the readout gives to the artist that it names", MORE),
    "subject_accuracy": Definition("share of images that read as the prompt's subject", MORE),
    "render_error": Definition("how far an image is from the render of all that the readout finds in it", LESS),
    "gap_frechet": Definition(
        "share of the gap closed, Fréchet distance: 0 is plain sampling, 1 the reference drawn again, negative is away "
        "from it",
        MORE,
        name="share of the gap closed, Fréchet distance",
    ),
    "gap": Definition(
        "share of the gap closed, unbiased squared MMD: 0 is plain sampling, 1 the reference drawn again, negative is "
        "away from it",
        MORE,
        name="share of the gap closed, MMD",
    ),
    "gain": Definition(
        "share of the gap between plain sampling and the reference closed, mean of the three spaces", MORE
    ),
    "thesis": Definition(
        "the number that follows from the thesis's published distances: Stable Diffusion 2, other features, no "
        "intervals",
        MORE,
        name="the thesis's number",
    ),
    "claim": Definition(
        "what the column 'number' says; the claim holds where its whole interval is above 0",
        MORE,
        name="a claim's number",
    ),
    "p value": Definition(
        "p-value of the difference in the column before, by Holm's correction over the methods", LESS
    ),
    "own part": Definition(
        "the part of what a method closes in location and in style that falls in the space its embedding is named for",
        MORE,
    ),
    "artists": Definition(
        "different artists recognised among so many images of a prompt", MORE, name="artists among the first images"
    ),
    "places": Definition(
        "different places of a 5 x 5 grid recognised among so many images of a prompt",
        MORE,
        name="places among the first images",
    ),
    "images for plain's artists": Definition("images that show as many artists as all of plain sampling's do", LESS),
    "images for plain's places": Definition("images that show as many places as all of plain sampling's do", LESS),
    "margin used": Definition(
        "how much of its margin the quality that suffers most has used up: 0 is plain sampling's, 1 is the margin", LESS
    ),
    "denoiser passes": Definition("latents through the denoiser for one image, forwards", LESS),
    "backward passes": Definition(
        "latents through the denoiser for one image, backwards; passes of a decoder or an encoder are not counted", LESS
    ),
    "passes with backward": Definition(
        "forward and backward passes of the denoiser, as a multiple of plain sampling's", LESS, name="passes"
    ),
    "passes of plain": Definition(
        "forward passes as a multiple of plain sampling's", LESS, name="forward passes of plain's"
    ),
    "seconds_per_image": Definition(
        "seconds for one image, measured once, by make bench, on the machine that bench/results/cost.json names", LESS
    ),
    "time_of_plain": Definition(
        "seconds for one image as a multiple of plain sampling's, in one run", LESS, name="time of plain's"
    ),
    "peak_gib": Definition("peak memory in GiB, of a process of its own", LESS, name="peak memory"),
    "rank": Definition("place by gain; a range where paired tests do not tell methods apart", LESS),
    "rank correlation": Definition("Spearman's correlation of the methods' shares on two models", MORE),
    "pairs told apart in both": Definition("pairs of methods whose order is told apart on both models"),
    "in the same order": Definition("of those pairs, how many have the same order on both", MORE),
    "strength": Definition("the strength that a sweep on development prompts chose, in the unit of its method"),
}
# What the vectors are that distances are taken of; in the order in which tables have them.
SPACES = {
    "general": "the encoder's pooled block",
    "location": "the middle block, averaged over channels",
    "style": "the outer product of the early block's means",
    "location_shape": "that map less its mean, over its norm: where, not how strongly",
    "gram": "the mean over places of the early block's outer products (Gatys et al. 2016)",
}
ENDS = {" low": "lower", " high": "upper"}
NOT_THE_METRIC = re.compile(r" (in \d+|to \w+|less plain)$")


def meaning(column: str, metric: str = "") -> tuple[str, str]:
    """What the numbers of a table's column are: a key of DEFINITIONS, and a key of SPACES or an empty string. `metric`
    is what the table's numbers are where a column says nothing but a space or a model. KeyError for a column that
    nobody has described."""
    words = NOT_THE_METRIC.sub("", column.split(", ")[0])
    if words.endswith(" p"):
        return "p value", ""
    space = next((s for s in sorted(SPACES, key=len, reverse=True) if words == s or words.endswith(f" {s}")), "")
    words = words.removesuffix(space).strip()
    for key in (words, words.replace(" ", "_"), metric):
        if key in DEFINITIONS:
            return key, space
    raise KeyError(column)
