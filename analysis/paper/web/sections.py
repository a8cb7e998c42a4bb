"""The page's sections, and its tables with their captions."""

from __future__ import annotations

from dataclasses import dataclass

DIVERSITY, QUALITY, PROMPTS, COST, CHOICE, INSIDE, OTHERS = (
    "Diversity",
    "Quality",
    "Prompt by prompt",
    "Cost",
    "How strengths were chosen, and what the metrics see",
    "What happens while images are denoised",
    "On other models, and with other methods",
)
SECTIONS = (DIVERSITY, QUALITY, PROMPTS, COST, CHOICE, INSIDE, OTHERS)


@dataclass(frozen=True)
class About:
    """A table: its title, section and caption. `metric`: a key of DEFINITIONS, of columns that say nothing but a space,
    a prompt or a model; `by`: columns by whose words rows can be chosen; `note`: said of each of its numbers."""

    title: str
    section: str
    caption: str
    metric: str = ""
    by: tuple[str, ...] = ()
    note: str = ""


LESS_PLAIN = "A difference: the method's number less plain sampling's, paired by the noise that both start from."
TABLES = {
    "truth": About(
        "Diversity, counted",
        DIVERSITY,
        "Diversity counted in what the readout finds; means over prompts.",
    ),
    "gap_closed_mmd": About(
        "Share of the gap closed, MMD",
        DIVERSITY,
        "Share of the gap between plain sampling and the reference that a set closes, by the unbiased squared MMD.",
        "gap",
    ),
    "gap_closed": About(
        "Share of the gap closed, Fréchet distance",
        DIVERSITY,
        "The same by the Fréchet distance; the thesis's own shares (Stable Diffusion 2, other features; published "
        "without intervals) beside it.",
        "gap_frechet",
    ),
    "differences": About(
        "Differences to plain sampling",
        DIVERSITY,
        "Each method less plain sampling, with p-values (Holm). An MMD below 0 is closer to the reference.",
        note=LESS_PLAIN,
    ),
    "findings": About(
        "The thesis's claims",
        DIVERSITY,
        "Each holds where its number is above 0, with its whole interval. Beside it, what the thesis's own distances "
        "say.",
        "claim",
        ("verdict",),
    ),
    "control": About(
        "Where a method's effect falls",
        DIVERSITY,
        "How much of a method's effect falls in the space that its embedding is named for (MMD).",
        "gap",
    ),
    "efficiency": About(
        "How many images it takes",
        DIVERSITY,
        "Different artists and places among the first images of a prompt, and how many images it takes to find as many "
        "as plain sampling does in all of its own (a dash where all are not enough; plain's own number is one draw).",
    ),
    "margins": About(
        "Margins",
        QUALITY,
        "Quality of each method less plain sampling's, and whether all margins hold (fixed before the run).",
        by=("within margins",),
        note=LESS_PLAIN,
    ),
    "quality": About(
        "Quality",
        QUALITY,
        "Readings, distances to the true renders, and drift from plain sampling. The reference is not perfect: "
        "pictures by its rare artists are misread more often than the popular ones of plain sampling.",
    ),
    "mmd_by_prompt": About(
        "MMD to the reference",
        PROMPTS,
        "Unbiased squared MMD to the reference, by space and prompt; a prompt's interval is over its own sets.",
        "mmd",
        ("space",),
    ),
    "frechet_by_prompt": About(
        "Fréchet distance to the reference",
        PROMPTS,
        "Fréchet distance to the reference, by space and prompt; a prompt's interval is over its own sets.",
        "frechet",
        ("space",),
    ),
    "cost": About(
        "Cost of one image",
        COST,
        "Latents through the denoiser; seconds and memory as measured by make bench, once: counts and single "
        "measurements have no intervals.",
    ),
}
# The same for all profiles that are compared with each other.
CARRIED_OVER = {
    "claims": About(
        "Claims on every model and in every world",
        OTHERS,
        "What becomes of eight claims of this suite and twelve of the thesis: one holds where its number is above 0 "
        "with its whole 95% interval.",
        "claim",
    ),
    "shares": About(
        "Shares of the gap on every model",
        OTHERS,
        "The same methods on several models and worlds, share of the gap closed by the unbiased squared MMD; each at "
        "the strength that a sweep of its own chose, or, where no row held the margins, at the U-Net's.",
        "gap",
    ),
    "order": About(
        "Does the order of the methods carry over?",
        OTHERS,
        "Spearman's correlation of the shares (its interval is over particle sets, for these methods), and of the "
        "pairs of methods that both models tell apart, how many have the same order.",
    ),
    "strengths": About(
        "Does the relative unit travel?",
        OTHERS,
        "The gain of each sweep's choice of a strength on each sweep's development prompts, and whether it holds the "
        "margins there.",
        by=("family", "used on", "chosen on", "within margins"),
    ),
}
