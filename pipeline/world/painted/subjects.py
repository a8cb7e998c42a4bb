"""The twelve subjects: silhouettes as data.

A subject has two layers, `body` and `accent`, each a union of shapes in the subject's own frame: x to the right, y
down, the subject inside the unit disc, so that a scene's `size` is the subject's radius.
"""

from __future__ import annotations

import math


def polygon(*points: tuple[float, float]) -> dict:
    return {"kind": "polygon", "points": points}


def mirrored(*points: tuple[float, float]) -> dict:
    """The polygon through right-hand profile points, top to bottom, and their mirror images."""
    return polygon(*points, *[(-x, y) for x, y in reversed(points)])


def ellipse(x: float, y: float, rx: float, ry: float) -> dict:
    angles = [2 * math.pi * k / 40 for k in range(40)]
    return polygon(*[(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles])


def line(radius: float, *points: tuple[float, float]) -> dict:
    """A polyline drawn with a round pen of the given radius."""
    return {"kind": "line", "points": points, "radius": radius}


# The six of the thesis's prompts come first: results are reported on these. The other six are for choosing strengths.
TEST_SUBJECTS = ("vase", "tree", "cave", "kite", "runner", "portrait")
DEVELOPMENT_SUBJECTS = ("house", "boat", "fish", "mushroom", "cat", "windmill")
SUBJECTS = TEST_SUBJECTS + DEVELOPMENT_SUBJECTS

SHAPES: dict[str, dict[str, list[dict]]] = {
    "vase": {
        "body": [
            mirrored((0.30, -0.25), (0.20, -0.12), (0.46, 0.15), (0.52, 0.42), (0.40, 0.74), (0.26, 0.95)),
            line(0.05, (0.0, -0.2), (0.0, -0.75)),
            line(0.05, (-0.08, -0.2), (-0.42, -0.62)),
            line(0.05, (0.08, -0.2), (0.42, -0.62)),
        ],
        "accent": [ellipse(0, -0.8, 0.2, 0.2), ellipse(-0.48, -0.62, 0.19, 0.19), ellipse(0.48, -0.62, 0.19, 0.19)],
    },
    "tree": {
        "body": [
            mirrored((0.10, -0.2), (0.13, 0.6), (0.30, 0.97)),
            ellipse(0, -0.5, 0.45, 0.44),
            ellipse(-0.45, -0.18, 0.4, 0.36),
            ellipse(0.45, -0.18, 0.4, 0.36),
        ],
        "accent": [
            ellipse(-0.12, -0.62, 0.12, 0.12),
            ellipse(0.36, -0.28, 0.12, 0.12),
            ellipse(-0.5, -0.14, 0.12, 0.12),
            ellipse(0.0, -0.12, 0.12, 0.12),
        ],
    },
    "cave": {
        "body": [
            polygon(
                *[(-1.0, 0.78), (-0.94, 0.2), (-0.72, -0.1), (-0.62, -0.52), (-0.28, -0.62), (-0.05, -0.86)],
                *[(0.34, -0.7), (0.5, -0.36), (0.8, -0.2), (0.92, 0.3), (1.0, 0.78)],
            )
        ],
        "accent": [
            polygon(
                *[(-0.5, 0.78), (-0.5, 0.18), (-0.34, -0.14), (-0.22, 0.14), (-0.08, -0.3), (0.04, 0.02)],
                *[(0.18, -0.24), (0.28, 0.1), (0.46, 0.04), (0.52, 0.34), (0.52, 0.78)],
            )
        ],
    },
    "kite": {
        "body": [
            polygon((0.42, -0.95), (0.78, -0.1), (-0.05, 0.3), (-0.38, -0.42)),
            line(0.05, (-0.05, 0.3), (-0.28, 0.46), (-0.16, 0.64), (-0.46, 0.76), (-0.42, 0.96)),
        ],
        "accent": [
            polygon((0.42, -0.95), (0.16, -0.27), (-0.38, -0.42)),
            polygon((0.78, -0.1), (0.16, -0.27), (-0.05, 0.3)),
            ellipse(-0.24, 0.52, 0.12, 0.1),
            ellipse(-0.42, 0.8, 0.12, 0.1),
        ],
    },
    "runner": {
        "body": [
            ellipse(0.26, -0.76, 0.19, 0.2),
            line(0.11, (-0.06, 0.1), (0.36, 0.32), (0.22, 0.78), (0.4, 0.84)),
            line(0.11, (-0.06, 0.1), (-0.3, 0.5), (-0.74, 0.52), (-0.8, 0.7)),
            line(0.08, (0.14, -0.42), (-0.34, -0.36), (-0.5, -0.04)),
            line(0.08, (0.14, -0.42), (0.38, -0.12), (0.72, -0.32)),
        ],
        "accent": [line(0.16, (0.12, -0.4), (-0.06, 0.06))],
    },
    "portrait": {
        "body": [
            ellipse(0, -0.4, 0.46, 0.52),
            mirrored((0.16, -0.1), (0.2, 0.3), (0.62, 0.44), (0.8, 0.95)),
        ],
        "accent": [
            ellipse(0.0, -0.3, 0.29, 0.38),
            polygon((-0.22, 0.36), (0.22, 0.36), (0.0, 0.76)),
        ],
    },
    "house": {
        "body": [
            polygon((-0.66, 0.85), (-0.66, -0.05), (0.66, -0.05), (0.66, 0.85)),
            polygon((-0.92, 0.0), (0.0, -0.85), (0.92, 0.0)),
            polygon((0.38, -0.2), (0.38, -0.85), (0.6, -0.85), (0.6, -0.2)),
        ],
        "accent": [
            polygon((-0.14, 0.85), (-0.14, 0.3), (0.18, 0.3), (0.18, 0.85)),
            polygon((-0.52, 0.46), (-0.52, 0.16), (-0.26, 0.16), (-0.26, 0.46)),
            polygon((0.3, 0.46), (0.3, 0.16), (0.54, 0.16), (0.54, 0.46)),
        ],
    },
    "boat": {
        "body": [
            polygon((-0.95, 0.36), (0.95, 0.36), (0.62, 0.86), (-0.64, 0.86)),
            line(0.05, (0.02, 0.4), (0.02, -0.95)),
        ],
        "accent": [
            polygon((0.12, -0.85), (0.76, 0.22), (0.12, 0.22)),
            polygon((-0.08, -0.6), (-0.08, 0.22), (-0.62, 0.22)),
        ],
    },
    "fish": {
        "body": [
            ellipse(-0.14, 0.0, 0.7, 0.42),
            polygon((0.42, 0.0), (0.98, -0.46), (0.84, 0.0), (0.98, 0.46)),
            polygon((-0.3, -0.34), (0.0, -0.7), (0.28, -0.26)),
        ],
        "accent": [
            ellipse(-0.5, -0.1, 0.11, 0.11),
            polygon((-0.22, -0.4), (-0.02, -0.42), (0.06, 0.0), (-0.02, 0.42), (-0.22, 0.4), (-0.1, 0.0)),
            polygon((0.24, -0.32), (0.36, -0.26), (0.42, 0.0), (0.36, 0.26), (0.24, 0.32), (0.3, 0.0)),
        ],
    },
    "mushroom": {
        "body": [
            polygon(
                *[(0.9 * math.cos(a), -0.02 - 0.82 * math.sin(a)) for a in [math.pi * k / 20 for k in range(21)]],
                *[(-0.5, 0.12), (0.5, 0.12)],
            )
        ],
        "accent": [
            mirrored((0.2, 0.1), (0.24, 0.6), (0.36, 0.92)),
            ellipse(-0.38, -0.32, 0.16, 0.14),
            ellipse(0.1, -0.52, 0.17, 0.14),
            ellipse(0.52, -0.22, 0.14, 0.12),
        ],
    },
    "cat": {
        "body": [
            ellipse(-0.08, 0.42, 0.5, 0.54),
            ellipse(-0.08, -0.36, 0.4, 0.34),
            polygon((-0.46, -0.4), (-0.46, -0.94), (-0.1, -0.62)),
            polygon((0.3, -0.4), (0.3, -0.94), (-0.06, -0.62)),
            line(0.1, (0.3, 0.8), (0.68, 0.72), (0.78, 0.3), (0.64, 0.02)),
        ],
        "accent": [
            ellipse(-0.24, -0.38, 0.1, 0.11),
            ellipse(0.08, -0.38, 0.1, 0.11),
            polygon((-0.08, 0.12), (0.12, 0.5), (-0.08, 0.86), (-0.28, 0.5)),
        ],
    },
    "windmill": {
        "body": [
            mirrored((0.2, -0.3), (0.4, 0.95)),
            line(0.05, (-0.66, -0.92), (0.66, 0.4)),
            line(0.05, (0.66, -0.92), (-0.66, 0.4)),
            ellipse(0, -0.28, 0.24, 0.24),
        ],
        "accent": [
            polygon((-0.16, -0.32), (-0.62, -0.78), (-0.42, -0.94), (-0.02, -0.5)),
            polygon((0.02, -0.44), (0.5, -0.94), (0.68, -0.74), (0.2, -0.3)),
            polygon((0.16, -0.2), (0.62, 0.26), (0.42, 0.44), (0.02, -0.02)),
            polygon((-0.02, -0.1), (-0.5, 0.4), (-0.68, 0.22), (-0.2, -0.24)),
        ],
    },
}
