"""The page's figures, by section, with their captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.estimates.efficiency import reads_factors
from analysis.estimates.marks import tested
from analysis.paper.web.sections import CHOICE, DIVERSITY, INSIDE, OTHERS
from analysis.study.inputs import swept
from analysis.study.settings import Study


@dataclass(frozen=True)
class Drawing:
    """A figure: its section and title, what it shows (its text where it cannot be seen), its caption, whether a profile
    has it, and whether it holds photographs."""

    section: str
    title: str
    shows: str
    caption: str
    where: Callable[[Study], bool] = lambda study: True
    photos: bool = False


FIGURES = {
    "distance_bars": Drawing(
        DIVERSITY,
        "Distances to the reference",
        "Bars of each set's Fréchet distance to the reference, a panel for each space",
        "Fréchet distance to the reference; whiskers are 95% intervals, dots are prompts, the dotted line is the floor "
        "with its interval.",
    ),
    "first_images": Drawing(
        DIVERSITY,
        "Artists and places among the first images",
        "Curves that rise with the number of images: different artists and places found, a line for each method",
        "Different artists and places that are recognised among the first images of a prompt; bands are 95% intervals.",
        reads_factors,
    ),
    "artist_shares": Drawing(
        DIVERSITY,
        "Who painted the images",
        "Heatmap: the share of each artist in the images of each set",
        "Who painted the images of each set; brackets are 95% intervals.",
        reads_factors,
    ),
    "places": Drawing(
        DIVERSITY,
        "Where the subjects stand",
        "Clouds of points: where the subjects stand in the images of each set",
        "The subjects' positions; brackets are 95% intervals.",
        reads_factors,
    ),
    "front": Drawing(
        CHOICE,
        "The sweep",
        "Gain against quality lost on development prompts, a line for each family of methods",
        "The sweep on development prompts: diversity gained against quality lost, a line for each family from plain "
        "sampling on. Circles: strengths chosen, with 95% intervals; stars: two spaces at once; dashed: the margin.",
        swept,
    ),
    "dials": Drawing(
        CHOICE,
        "Metrics against known factors",
        "A grid of correlations: every metric against every dialled factor",
        "Rank correlation of every metric with the factors of sets whose truth is known; ± is how far its 95% interval "
        "reaches.",
        tested,
    ),
    "small_n": Drawing(
        CHOICE,
        "How many images a metric needs",
        "Curves that fall with the number of images: how often each metric ranks two sets wrongly",
        "From how many images on a metric ranks a less diverse set behind a diverse one; bands are 95% intervals.",
        tested,
    ),
    "forces": Drawing(
        INSIDE,
        "Size of the repulsion",
        "The size of the repulsion beside the score's, a line for each method over the noise levels",
        "Size of the repulsion as a share of the score's, over the noise levels; bands span the particle sets.",
    ),
    "pairwise_distances": Drawing(
        INSIDE,
        "Distances between two images",
        "Curves of how many pairs of images are nearer than a distance, a line for each method",
        "Distances between two images of a prompt; bands are 95% intervals.",
    ),
    "pairs": Drawing(
        INSIDE,
        "The nearest and the farthest pair",
        "Pairs of images side by side, the nearest and the farthest of each set in each space",
        "The nearest and the farthest pair of images of the first prompt, in each space: one draw.",
        photos=True,
    ),
    "classifier_accuracy": Drawing(
        INSIDE,
        "The style classifier",
        "A curve over the noise levels: how often the style classifier names the right artist",
        "The style classifier names the artist of held-out trajectories; bands are 95% intervals.",
    ),
    "story": Drawing(
        INSIDE,
        "Sixteen particles in a plane",
        "Sixteen points that move through a plane, without repulsion and with it",
        "Sixteen particles in two dimensions with an exact score: one draw.",
    ),
}
# The same for all profiles that are compared with each other.
CARRIED_OVER = {
    "claims": Drawing(
        OTHERS,
        "The claims as a picture",
        "A mark with its whisker for each claim and model, to the right of 0 where the claim holds",
        "What becomes of each claim on each model and in each world; whiskers are 95% intervals.",
    ),
    "shares": Drawing(
        OTHERS,
        "The shares as a picture",
        "A mark with its whisker for each method and model: the share of the gap closed, a panel for each space",
        "The share of the gap that each method closes, one mark for each model; whiskers are 95% intervals.",
    ),
}
# Of the leaderboard, for profiles of its models.
ON_BOARD = {
    "pareto": Drawing(
        OTHERS,
        "Every method of the leaderboard",
        "Points: gain against the part of the margin that is used, and against passes; a line for plain sampling at "
        "other guidance scales",
        "Every method: diversity against quality, and against passes. Grey: a margin does not hold; the line is plain "
        "sampling at other guidance scales; more than three margins are not shown.",
    ),
    "growth": Drawing(
        OTHERS,
        "How gains grow with the number of particles",
        "Lines over the number of particles of one set: gain, and different artists and places in one set",
        "How gains grow with the number of particles of one set; right, different artists and places in one set, as "
        "multiples of plain sampling's.",
    ),
}
