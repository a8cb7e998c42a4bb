"""The scatter of diversity against quality: where each method stands, as the coordinates of a drawing in SVG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.paper.labels import label
from analysis.paper.printing import printed, three_digits
from analysis.paper.web.methods import Measured

FARTHEST = 3.0  # margins: a method that loses more stands at the edge
LETTER, LINE = 6.4, 13.0  # pixels: a letter's width and a line's height, of labels
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Point:
    """A method in the drawing: its place and its interval's ends in pixels; where its label goes, if there is room."""

    name: str
    label: str
    text: str
    kind: str
    x: float
    y: float
    low: float
    high: float
    label_x: float
    label_y: float
    anchor: str
    is_labelled: bool


@dataclass(frozen=True)
class Scatter:
    """A drawing of a size; ticks are (pixel, text)."""

    name: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    margin: float
    zero: float
    points: list[Point]


def steps(low: float, high: float) -> list[float]:
    """Round numbers from low to high, five or so."""
    step = next(s for s in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0, np.inf) if (high - low) / s <= 6)
    return [float(k * step) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def place(x: float, y: float, text: str, taken: list[Box], frame: Box) -> tuple[float, float, str, bool]:
    """Where a label stands: right of its point, left, above or below, the first that is free and in the frame."""
    width = LETTER * len(text)
    for anchor, dx, dy in (
        ("start", 10, 4),
        ("end", -10, 4),
        ("start", 9, -5),
        ("start", 9, 14),
        ("middle", 0, -10),
        ("middle", 0, 20),
    ):
        left = x + dx - {"start": 0, "end": width, "middle": width / 2}[anchor]
        box = (left, y + dy - LINE + 2, left + width, y + dy + 2)
        inside = frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]
        if inside and not any(overlap(box, other) for other in taken):
            taken.append(box)
            return x + dx, y + dy, anchor, True
    towards_left = x > (frame[0] + frame[2]) / 2  # shown where the point is chosen
    return x + (-10 if towards_left else 10), y + 4, "end" if towards_left else "start", False


def scatter(found: list[Measured], baseline: str, name: str, width: int, height: int) -> Scatter:
    """The drawing of all that have a place; the best are labelled first."""
    shown = sorted((one for one in found if one.is_measured), key=lambda one: (one.name != baseline, -one.gain.value))
    used = {one.name: min(one.used, FARTHEST) for one in shown}
    ends = {one.name: [v if np.isfinite(v) else one.gain.value for v in one.gain.interval] for one in shown}
    x_low, x_high = min([0.0, *used.values()]), max([1.0, *used.values()])
    y_low, y_high = min([0.0, *(low for low, _ in ends.values())]), max([1.0, *(high for _, high in ends.values())])
    left, right, top, bottom = 56.0, width - 16.0, 16.0, height - 48.0

    def across(v: float) -> float:
        return round(left + 14 + (v - x_low) / (x_high - x_low) * (right - left - 28), 1)

    def up(v: float) -> float:
        return round(bottom - 12 - (v - y_low) / (y_high - y_low) * (bottom - top - 24), 1)

    places = {one.name: (across(used[one.name]), up(one.gain.value)) for one in shown}
    taken: list[Box] = [(x - 8, y - 8, x + 8, y + 8) for x, y in places.values()]
    points = []
    for one in shown:
        x, y = places[one.name]
        low, high = ends[one.name]
        named = label(one.name)
        kind = (
            "baseline" if one.name == baseline else "reference" if not one.is_method else "held" if one.held else "out"
        )
        beyond = " (at the edge: more)" if one.used > FARTHEST else ""
        text = f"{named}: gain {printed(one.gain)}, margin used {three_digits(one.used)}{beyond}"
        spot = place(x, y, named, taken, (left, top, right, bottom))
        points.append(Point(one.name, named, text, kind, x, y, up(low), up(high), *spot))
    ticks = [[(f(v), f"{v:g}") for v in steps(*ends)] for f, ends in ((across, (x_low, x_high)), (up, (y_low, y_high)))]
    return Scatter(name, width, height, left, right, top, bottom, *ticks, across(1.0), up(0.0), points)
