"""The web page: one self-contained HTML file with images, numbers, tables and figures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from analysis.estimates.efficiency import reads_factors
from analysis.estimates.estimates import of_prompt
from analysis.estimates.marks import tested
from analysis.paper.labels import SPACE_LABELS, label
from analysis.paper.pictures import first_images
from analysis.paper.printing import printed
from analysis.study.carry_over import RESULTS, carried_over
from analysis.study.inputs import swept
from analysis.study.leaderboard import RESULTS as BOARD
from analysis.study.leaderboard import on_board
from analysis.study.results import read_results
from analysis.study.settings import Study
from pipeline.profile.prompts import read_prompts
from pipeline.sets.image_sets import Images
from repulsion.core.errors import BadInput
from repulsion.core.files import read_text

TEMPLATES = Path("report")
SHOWN, COLUMNS = 32, 8  # images of a sheet, and its columns
TABLES = {
    "gap_closed": "Share of the gap between plain sampling and the reference that a set closes, Fréchet distance; the "
    "thesis's own shares (Stable Diffusion 2, other features; published without intervals) beside it.",
    "gap_closed_mmd": "The same of the unbiased squared MMD.",
    "truth": "Diversity counted in what the readout finds; means over prompts.",
    "quality": "Quality: readings, distances to the true renders, and drift from plain sampling. The reference is not "
    "perfect: pictures by its rare artists are misread more often than the popular ones of plain sampling.",
    "findings": "The thesis's claims: each holds where its number is above 0, with its whole interval. Beside it, what "
    "the thesis's own distances say.",
    "margins": "Quality of each method less plain sampling's, and whether all margins hold (fixed before the run).",
    "efficiency": "Different artists and places among the first images of a prompt, and how many images it takes to "
    "find as many as plain sampling does in all of its own (a dash where all are not enough; plain's own number is one "
    "draw).",
    "control": "How much of a method's effect falls in the space that its embedding is named for (MMD).",
    "differences": "Each method less plain sampling, with p-values (Holm).",
    "frechet_by_prompt": "Fréchet distance to the reference, by space and prompt; a prompt's interval is over its "
    "own sets.",
    "mmd_by_prompt": "Unbiased squared MMD to the reference, by space and prompt; a prompt's interval is over its "
    "own sets.",
    "cost": "Cost of one image: latents through the denoiser; seconds and memory as measured by make bench, once: "
    "counts and single measurements have no intervals.",
}
# Of the leaderboard, for profiles of its models.
ON_BOARD = {
    "pareto": "Every method: diversity against quality, and against passes. Grey: a margin does not hold; the line is "
    "plain sampling at other guidance scales; more than three margins are not shown. The table is "
    "results/leaderboard/leaderboard.html.",
    "growth": "How gains grow with the number of particles of one set; right, different artists and places in one "
    "set, as multiples of plain sampling's.",
}
# The same for all profiles that are compared with each other.
CARRIED_OVER = {
    "claims": "What becomes of eight claims of this suite and twelve of the thesis on each model and in each world: "
    "one holds where its number is above 0 with its whole 95% interval.",
    "shares": "The same methods on several models and worlds, share of the gap closed by the unbiased squared MMD; "
    "each at the strength that a sweep of its own chose, or, where no row held the margins, at the U-Net's.",
    "order": "Whether the order of the methods carries over: Spearman's correlation of the shares (its "
    "interval is over particle sets, for these methods), and of the pairs of "
    "methods that both models tell apart, how many have the same order.",
    "strengths": "Does the relative unit travel? The gain of each sweep's choice of a strength on each sweep's "
    "development prompts, and whether it holds the margins there.",
}
FIGURES = {
    "distance_bars": "Fréchet distance to the reference; whiskers are 95% intervals, dots are prompts, the "
    "dotted line is the floor with its interval.",
    "front": "The sweep on development prompts: diversity gained against quality lost. Circles: the strengths chosen; "
    "whiskers: 95% intervals; crosses: the thesis's raw strength 1000; dashed: the margin.",
    "first_images": "Different artists and places that are recognised among the first images of a prompt; bands "
    "are 95% intervals.",
    "dials": "Rank correlation of every metric with the factors of sets whose truth is known; ± is how "
    "far its 95% interval reaches.",
    "small_n": "From how many images on a metric ranks a less diverse set behind a diverse one; bands are 95% "
    "intervals.",
    "artist_shares": "Who painted the images of each set; brackets are 95% intervals.",
    "places": "The subjects' positions; brackets are 95% intervals.",
    "forces": "Size of the repulsion as a share of the score's, over the noise levels; bands span the particle sets.",
    "pairwise_distances": "Distances between two images of a prompt; bands are 95% intervals.",
    "pairs": "The nearest and the farthest pair of images of the first prompt, in each space: one draw.",
    "classifier_accuracy": "The style classifier names the artist of held-out trajectories; bands are 95% intervals.",
    "story": "Sixteen particles in two dimensions with an exact score: one draw.",
}


DRAWN_WHERE: dict[str, Callable[[Study], bool]] = {
    "front": swept,
    "first_images": reads_factors,
    "artist_shares": reads_factors,
    "places": reads_factors,
    "dials": tested,
    "small_n": tested,
}


def data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def sheet(images: Images) -> str:
    """The first images of a set as one picture."""
    tiles = list(images)
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[k : k + COLUMNS], axis=1) for k in range(0, len(tiles), COLUMNS)]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(rows)).save(buffer, "WEBP", quality=85)
    return data_uri("webp", buffer.getvalue())


def sheets(study: Study, prompt_ids: list[str]) -> dict[str, dict[str, str]]:
    """A picture for each prompt and set."""
    images = {name: first_images(study, name, prompt_ids, SHOWN) for name in study.image_sets}
    return {prompt_id: {name: sheet(of_set[prompt_id]) for name, of_set in images.items()} for prompt_id in prompt_ids}


def numbers(results: pd.DataFrame, study: Study) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """The numbers below a sheet, with their intervals: readings, and distances to the reference by space."""
    found: dict[str, dict[str, list[tuple[str, str]]]] = {}
    wanted = {("frechet", space, study.analysis.reference): title for space, title in SPACE_LABELS.items()}
    for row in results.itertuples():
        entry = found.setdefault(row.prompt_id, {name: [] for name in study.image_sets})[row.set]
        if title := wanted.get((row.metric, row.space, row.against)):
            entry.append((f"distance, {title}", printed(of_prompt(row))))
        elif not row.space:
            entry.append((label(row.metric), printed(of_prompt(row))))
    return found


def is_drawn(study: Study, name: str) -> bool:
    """Whether a profile has a figure: some are of what another model or encoder does not have."""
    return name not in DRAWN_WHERE or DRAWN_WHERE[name](study)


def picture(path: Path, maker: str = "dvc repro") -> str:
    if not path.is_file():
        raise BadInput(f"no {path}; {maker} makes it")
    return data_uri("png", path.read_bytes())


def table_at(path: Path, maker: str) -> Markup:
    if not path.is_file():
        raise BadInput(f"no {path}; {maker} makes it")
    return Markup(read_text(path))


def tables_of(study: Study) -> list[tuple[str, Markup]]:
    """Captions and tables, in order."""
    found = [(caption, table_at(study.tables / f"{name}.html", "dvc repro")) for name, caption in TABLES.items()]
    if carried_over(study):
        found += [(text, table_at(RESULTS / f"{name}.html", "make carry-over")) for name, text in CARRIED_OVER.items()]
    return found


def render(study: Study) -> str:
    prompts = read_prompts(study.prompts_file)
    data = {
        "sets": [{"name": name, "label": label(name)} for name in study.image_sets],
        "baseline": study.analysis.baseline,
        "opening": study.methods[-1],
        "images": sheets(study, [p.prompt_id for p in prompts]),
        "numbers": numbers(read_results(study), study),
    }
    figures = [
        (caption, picture(study.figures / f"{name}.png")) for name, caption in FIGURES.items() if is_drawn(study, name)
    ]
    if carried_over(study):
        drawn = ("claims", "shares")
        figures[1:1] = [(CARRIED_OVER[name], picture(RESULTS / f"{name}.png", "make carry-over")) for name in drawn]
    if on_board(study):
        shown = [(text, picture(BOARD / f"{name}.png", "make leaderboard")) for name, text in ON_BOARD.items()]
        figures[1:1] = shown
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(
        profile=study,
        prompts=prompts,
        label=label,
        tables=tables_of(study),
        figures=figures,
        data=data,
    )
