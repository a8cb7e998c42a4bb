"""The finding in two sentences, from the results: at most four numbers, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.estimates.estimates import Estimate
from analysis.paper.labels import label
from analysis.paper.printing import printed, three_digits
from analysis.paper.web.methods import Measured, best
from analysis.study.settings import Study

ARTISTS = "effective_artists"


@dataclass(frozen=True)
class Number:
    """A number in a sentence: its text there, as tables print it, its definition and the set that it is of."""

    text: str
    printed: str
    key: str
    of: str


Sentence = list[str | Number]


def number(one: Estimate, key: str, of: Measured, text: str = "") -> Number:
    return Number(text or three_digits(one.value), printed(one), key, label(of.name))


def share(of: Measured) -> Number:
    """A gain in percent."""
    return number(of.gain, "gain", of, f"{100 * of.gain.value:.0f}%")


def passes(of: Measured) -> Number:
    return Number(three_digits(of.passes), three_digits(of.passes), "passes with backward", label(of.name))


def finding(found: list[Measured], study: Study, told: str = "") -> list[Sentence]:
    """Two sentences. `told`: the labels that the best method's network was told, where that is known."""
    of = {one.name: one for one in found}
    plain, top = of[study.analysis.baseline], best(found, study)
    if top is None or not top.gain.interval[0] > 0:
        return [no_finding(found, study), [f"Quality margins were fixed before the run: {margins(study)}."]]
    how = ", in which images of one prompt repel each other while they are denoised" if top.repels else ""
    first: Sentence = [
        f"The most diverse images within the margins of quality come from {label(top.name)}{how}: it closes ",
        share(top),
        " of the gap between plain sampling and the most diverse images that the model can make.",
    ]
    cost: Sentence = [passes(top), " times the passes through the denoiser"]
    hint = f"; its network was told the {told} of every picture that it learnt from" if told else ""
    if ARTISTS not in top.counts:
        return [first, ["It takes ", *cost, hint + "."]]
    own, plains = (number(one.counts[ARTISTS], ARTISTS, one) for one in (top, plain))
    return [
        first,
        [
            "A prompt's images are by ",
            own,
            " artists in effect, plain sampling's by ",
            plains,
            ", at ",
            *cost,
            hint + ".",
        ],
    ]


def no_finding(found: list[Measured], study: Study) -> Sentence:
    """What there is to say where no method within the margins is more diverse."""
    known = [one for one in found if one.is_method and one.name != study.analysis.baseline and one.is_measured]
    if not known:
        return [
            "At this number of images plain sampling is no farther from the reference than the reference drawn again."
        ]
    top = max(known, key=lambda one: one.gain.value)
    if math.isnan(top.gain.value) or top.gain.value <= 0:
        return ["No method is more diverse than plain sampling at this number of images."]
    held = ", with an interval down to 0." if top.held else ", but does not hold every margin."
    said = "No method within the margins of quality is told to be more diverse at this number of images: "
    return [f"{said}{label(top.name)} closes ", share(top), f" of the gap{held}"]


def margins(study: Study) -> str:
    return ", ".join(f"{label(name)} {value:+g}" for name, value in study.analysis.margins.items())
