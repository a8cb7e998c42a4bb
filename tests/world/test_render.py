import pytest
import torch

from pipeline.world.painted.artists import ARTIST_NAMES, ARTISTS
from pipeline.world.painted.paint import canvas, cover, distances, gradient, paint, texture
from pipeline.world.painted.palette import numbers, palettes
from pipeline.world.painted.subjects import SUBJECTS
from pipeline.world.render import render
from pipeline.world.scene import IMAGE_SIZE, Scenes, max_diversity, random_subjects
from pipeline.world.worlds import PAINTED


def some_scenes(n: int, seed: int = 0) -> Scenes:
    generator = torch.Generator().manual_seed(seed)
    return max_diversity(PAINTED, random_subjects(PAINTED, n, generator), generator)


def one(subject: str, artist: str, x: float = 0.5, y: float = 0.5, size: float = 0.28, phase: float = 0.3) -> Scenes:
    return Scenes(
        torch.tensor([SUBJECTS.index(subject)]),
        torch.tensor([ARTIST_NAMES.index(artist)]),
        torch.tensor([[x, y]]),
        torch.tensor([size]),
        torch.tensor([phase]),
    )


def test_cover_is_the_share_of_a_linear_edge():
    d = torch.tensor([[[-1.0, -0.1, 0.0, 0.05, 1.0]]])
    assert torch.allclose(cover(d, 0.2), torch.tensor([[[1.0, 1.0, 0.5, 0.25, 0.0]]]))


def test_texture_of_plain_stripes_is_a_sine():
    a = {k: torch.zeros(1, 1, 1) for k in ("angle", "radial", "bend", "bend_frequency", "cross")}
    a |= {"frequency": torch.full((1, 1, 1), 3.0), "hardness": torch.full((1, 1, 1), 1e-3)}
    u, v = canvas(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    expected = torch.sin(2 * torch.pi * (3 * u + 0.125))
    assert torch.allclose(texture(u, v, torch.full((1, 1, 1), 0.125), a), expected, atol=1e-5)


def test_gradient_runs_from_left_to_right_and_from_the_middle_out():
    u, v = canvas(torch.zeros(2, 1, 1), torch.zeros(2, 1, 1))
    g = gradient(u, v, {"gradient": torch.tensor([0.0, -1.0]).view(2, 1, 1)})
    assert torch.allclose(g[0], u[0])
    assert g[1, 32, 32] < 0.05 and g[1, 0, 0] > 0.95


def test_ground_far_from_the_subject_has_the_colours_of_the_palette():
    # boskin: no echo, halo or shadow; the corner is ground only: a linear run of two colours plus a small texture
    artist = ARTISTS[ARTIST_NAMES.index("boskin")]
    corner = paint(one("vase", "boskin"))[0, :, 0, 0]
    ground = palettes()["ground_a"][ARTIST_NAMES.index("boskin")]
    assert (corner - ground).abs().max() <= artist.amplitude + 0.01


def test_the_subject_is_where_the_scene_says():
    scene = one("fish", "ambrel", x=0.4, y=0.6)
    u, v = canvas(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    body, accent = distances(scene, u, v)
    inside = (torch.minimum(body, accent) < 0)[0]
    # the fish's bounding box is [-0.84, 0.98] x [-0.7, 0.46] in its own frame
    x, y = u[0][inside], v[0][inside]
    near = 2.0 / IMAGE_SIZE  # the tips are sharper than a pixel, so that no pixel centre lies in them
    assert x.min().item() == pytest.approx(0.4 - 0.84 * 0.28, abs=near)
    assert x.max().item() == pytest.approx(0.4 + 0.98 * 0.28, abs=near)
    assert y.min().item() == pytest.approx(0.6 - 0.70 * 0.28, abs=near)
    assert y.max().item() == pytest.approx(0.6 + 0.46 * 0.28, abs=near)


def test_a_shift_by_whole_pixels_shifts_the_subject():
    u, v = canvas(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    here, _ = distances(one("cat", "ambrel"), u, v)
    there, _ = distances(one("cat", "ambrel", x=0.5 + 5 / 64, y=0.5 - 3 / 64), u, v)
    assert torch.allclose(here[:, 3:, :-5], there[:, :-3, 5:], atol=1e-5)


def test_renders_are_deterministic_and_do_not_depend_on_the_batch():
    s = some_scenes(37)
    images = render(PAINTED, s)
    assert images.shape == (37, 3, 64, 64) and images.dtype == torch.uint8
    assert torch.equal(images, render(PAINTED, s))
    assert torch.equal(images, render(PAINTED, s, batch=5))
    assert torch.equal(images[11:12], render(PAINTED, s[11:12]))


def test_every_artist_is_told_apart_by_colour_means_alone():
    """A stand-in for a person's eye: the nearest of twenty mean colour layouts (4x4) names the artist."""
    train, test = some_scenes(3000, 1), some_scenes(600, 2)
    layout = [torch.nn.functional.avg_pool2d(render(PAINTED, s).float(), 16).flatten(1) for s in (train, test)]
    centres = torch.stack([layout[0][train.artist == a].mean(0) for a in range(20)])
    assert (torch.cdist(layout[1], centres).argmin(1) == test.artist).float().mean() > 0.95


def test_the_table_has_twenty_different_rows():
    assert len(set(ARTIST_NAMES)) == 20
    rows = torch.stack([*numbers().values()], 1)
    colours = torch.cat([*palettes().values()], 1)
    both = torch.cat([rows, colours], 1)
    assert len(torch.unique(both, dim=0)) == 20
    assert (colours >= 0).all() and (colours <= 1).all()


@pytest.mark.parametrize("artist", ARTIST_NAMES)
def test_golden_images(artist):
    """Mean red, green and blue of a house by each artist (grey levels), so that an unmeant change of the world is seen:
    the shipped weights belong to this world. Other machines differ by less than a level."""
    image = render(PAINTED, one("house", artist))[0].float()
    assert image.mean((1, 2)).tolist() == pytest.approx(GOLDEN_HOUSES[artist], abs=0.1)


GOLDEN_HOUSES = {
    "ambrel": [218.3, 174.5, 112.0],
    "boskin": [219.6, 212.8, 198.2],
    "corvane": [31.6, 54.4, 99.4],
    "delphar": [191.9, 210.6, 237.5],
    "estrow": [79.8, 107.8, 149.4],
    "fennick": [174.6, 198.9, 71.4],
    "galvire": [228.6, 187.4, 61.1],
    "hollux": [218.7, 227.7, 233.6],
    "ilvane": [186.4, 160.3, 219.2],
    "jorrun": [201.9, 184.4, 157.1],
    "kestow": [211.3, 145.7, 107.3],
    "lumeth": [98.8, 167.2, 151.8],
    "mirello": [235.4, 166.3, 190.4],
    "nuvaro": [45.7, 95.2, 167.0],
    "ostrel": [144.2, 174.6, 112.7],
    "pellow": [217.2, 122.6, 85.6],
    "quillam": [175.9, 175.9, 175.9],
    "rusvel": [182.2, 194.5, 184.9],
    "sorvine": [33.1, 107.0, 80.4],
    "tambrok": [162.3, 70.7, 66.9],
}
