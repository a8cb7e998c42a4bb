"""The twenty artists: a palette, a texture and a hand (a way of drawing), as one table of numbers.

The order is the order of popularity: where no artist is named, the first is painted most often (see
pipeline/world/scene.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Artist:
    """One artist. Colours are hex sRGB; lengths are shares of the image's side; angles in turns.

    Palette: a ground that runs from `ground_a` to `ground_b` along `gradient` (an angle in turns, or -1 for from the
    middle outwards), the subject's `body` and `accent`, and `line` for outlines, halos and echoes.
    Texture of the ground: amplitude * T, T = squash(sin 2 pi (frequency s + bend sin(2 pi bend_frequency t) + phase)
    * cos(2 pi cross t)), where s, t are the image axes turned by `angle` (s is the radius from the lower left corner
    if `radial`) and squash(v) = tanh(hardness v) / tanh(hardness). The phase belongs to the scene.
    Hand: what happens at and inside the subject's edge; zero means the artist does not do it.
    """

    name: str
    ground_a: str
    ground_b: str
    body: str
    accent: str
    line: str
    gradient: float = 0.25
    frequency: float = 3.0
    angle: float = 0.0
    radial: float = 0.0
    bend: float = 0.0
    bend_frequency: float = 1.0
    cross: float = 0.0
    hardness: float = 0.5
    amplitude: float = 0.06
    softness: float = 0.0  # width of the edge; never less than two pixels
    outline: float = 0.0  # half width of the outline
    fill: float = 1.0  # opacity of the body
    halo: float = 0.0  # reach of a glow around the body
    shadow: float = 0.0  # opacity of a cast shadow, down and to the right
    echo: float = 0.0  # strength of contour lines around the body
    relief: float = 0.0  # light from the upper left on the body's slopes
    hatch: float = 0.0  # depth of strokes inside the body
    rim: float = 0.0  # pigment that gathered at the edge
    wobble: float = 0.0  # how far an unsteady hand strays
    tile: float = 0.0  # side of the tiles that the picture is laid in


ARTISTS = (
    Artist(
        "ambrel", "#f8dfa6", "#e9a552", "#4a2a18", "#fdf0cf", "#6b3b1c",
        frequency=1.6, angle=0.25, bend=0.18, bend_frequency=1.0, amplitude=0.05, rim=0.5,
    ),
    Artist(
        "boskin", "#f6f3e8", "#e9e2cd", "#d9d2bd", "#dd4335", "#1b1b20",
        frequency=5.0, angle=0.125, amplitude=0.035, outline=0.014, hardness=0.3,
    ),
    Artist(
        "corvane", "#0b0f33", "#240d4a", "#141a55", "#ff4fd2", "#35f0ff",
        frequency=4.0, angle=0.25, amplitude=0.05, outline=0.010, halo=0.07,
    ),
    Artist(
        "delphar", "#eef4fd", "#c4d9f5", "#1d4ea6", "#ffffff", "#1d4ea6",
        gradient=-1.0, frequency=5.0, radial=1.0, amplitude=0.05, hatch=0.25,
    ),
    Artist(
        "estrow", "#2a4684", "#6f9bd0", "#0f1630", "#f8d63a", "#f2e7a0",
        frequency=2.5, bend=0.25, bend_frequency=1.5, amplitude=0.07, echo=0.30,
    ),
    Artist(
        "fennick", "#b4cf2c", "#d6e66a", "#12401a", "#f2f7b8", "#12401a",
        gradient=0.0, frequency=4.0, cross=4.0, hardness=4.0, amplitude=0.045, tile=1 / 32,
    ),
    Artist(
        "galvire", "#ffe45c", "#ffd21f", "#e3243b", "#ffffff", "#151515",
        frequency=5.0, angle=0.125, cross=5.0, hardness=3.0, amplitude=0.07, outline=0.014,
    ),
    Artist(
        "hollux", "#f9fcfd", "#d5e3ea", "#86a0b3", "#f6bfc4", "#6d8798",
        frequency=1.2, angle=0.2, amplitude=0.03, softness=0.05, relief=0.6,
    ),
    Artist(
        "ilvane", "#e0d0f4", "#b799e2", "#57288f", "#ffd6f1", "#2c1150",
        gradient=0.125, frequency=3.0, angle=0.25, amplitude=0.04, shadow=0.55,
    ),
    Artist(
        "jorrun", "#efe2cb", "#dcc7a2", "#21130d", "#c25a2a", "#21130d",
        frequency=4.0, angle=0.09, hardness=5.0, amplitude=0.11, wobble=0.008,
    ),
    Artist(
        "kestow", "#ecbb95", "#cb7a4e", "#93452a", "#f6d8b8", "#5c2412",
        frequency=2.0, angle=0.25, bend=0.1, bend_frequency=2.0, amplitude=0.05, relief=1.0,
    ),
    Artist(
        "lumeth", "#49b3a2", "#84ddc6", "#b4203f", "#f9cb3e", "#0d1412",
        frequency=2.0, cross=2.0, hardness=4.0, amplitude=0.10, outline=0.020,
    ),
    Artist(
        "mirello", "#fde3ea", "#f59bb9", "#8b1b4c", "#fff6f9", "#b4406f",
        gradient=-1.0, frequency=3.0, radial=1.0, amplitude=0.04, softness=0.04, rim=0.7,
    ),
    Artist(
        "nuvaro", "#1f5bb0", "#17468d", "#1f5bb0", "#e8f3ff", "#f4f9ff",
        frequency=4.0, cross=4.0, hardness=1.0, amplitude=0.05, outline=0.012, fill=0.0,
    ),
    Artist(
        "ostrel", "#c6da9c", "#6d9a52", "#1c361c", "#eef4bd", "#1c361c",
        frequency=3.0, angle=0.2, bend=0.3, bend_frequency=2.0, amplitude=0.06, hatch=0.6, wobble=0.014,
    ),
    Artist(
        "pellow", "#ffd766", "#e5443c", "#3b0d2c", "#ffedb8", "#fff3c4",
        gradient=-1.0, frequency=2.0, radial=1.0, hardness=3.0, amplitude=0.07, halo=0.05,
    ),
    Artist(
        "quillam", "#dadada", "#9c9c9c", "#262626", "#f2f2f2", "#262626",
        gradient=0.125, frequency=6.0, angle=0.375, amplitude=0.05, hatch=0.9,
    ),
    Artist(
        "rusvel", "#dceceb", "#93c5c0", "#bd4a1e", "#ffd48f", "#5b1f0a",
        frequency=3.0, bend=0.35, bend_frequency=3.0, hardness=2.0, amplitude=0.06, shadow=0.4, rim=0.4,
    ),
    Artist(
        "sorvine", "#052a22", "#14735a", "#02120e", "#dcffe9", "#66ffad",
        gradient=0.75, frequency=1.5, bend=0.4, bend_frequency=1.0, amplitude=0.10, halo=0.10,
    ),
    Artist(
        "tambrok", "#7d1d2b", "#a9333d", "#f6e6c2", "#1d3c66", "#e8b23a",
        frequency=3.0, angle=0.125, cross=3.0, hardness=2.0, amplitude=0.07, outline=0.012, echo=0.12,
    ),
)  # fmt: skip
ARTIST_NAMES = tuple(artist.name for artist in ARTISTS)
