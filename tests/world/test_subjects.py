import itertools
import math

import pytest
import torch

from pipeline.world.painted.silhouettes import ATLAS_EXTENT, atlas, signed_distance
from pipeline.world.painted.subjects import (
    DEVELOPMENT_SUBJECTS,
    SHAPES,
    SUBJECTS,
    TEST_SUBJECTS,
    line,
    polygon,
)

SQUARE = polygon((-1, -1), (1, -1), (1, 1), (-1, 1))


@pytest.mark.parametrize(
    "shape,point,expected",
    [
        (SQUARE, (0.0, 0.0), -1.0),
        (SQUARE, (0.75, 0.5), -0.25),
        (SQUARE, (3.0, 0.0), 2.0),
        (SQUARE, (2.0, 2.0), math.sqrt(2)),
        (line(0.5, (0, 0), (4, 0)), (2.0, 3.0), 2.5),
        (line(0.5, (0, 0), (4, 0)), (7.0, 4.0), 4.5),
        (line(0.5, (0, 0), (4, 0)), (1.0, 0.0), -0.5),
        # concave: the notch of a V is outside
        (polygon((-1, -1), (0, 0.5), (1, -1), (0, 1)), (0.0, -0.5), 0.5 * math.sqrt(4 / 13) * 2),
    ],
)
def test_signed_distance_closed_forms(shape, point, expected):
    assert signed_distance(shape, torch.tensor([point], dtype=torch.float64)).item() == pytest.approx(
        expected, abs=1e-12
    )


def test_distance_turns_with_the_shape():
    p = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    turned = polygon(*[(-y, x) for x, y in SQUARE["points"]])
    quarter = torch.stack([-p[:, 1], p[:, 0]], 1)
    assert torch.allclose(signed_distance(SQUARE, p), signed_distance(turned, quarter))


def test_subjects_are_disjoint_halves():
    assert len(SUBJECTS) == 12 and not set(TEST_SUBJECTS) & set(DEVELOPMENT_SUBJECTS)
    assert set(SHAPES) == set(SUBJECTS)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_shapes_lie_around_the_unit_disc_and_have_no_empty_edge(subject):
    for shape in itertools.chain(*SHAPES[subject].values()):
        points = torch.tensor(shape["points"])
        assert points.norm(dim=1).max() < 1.3  # corners of a frame may reach past 1
        assert (points - points.roll(-1, 0)).norm(dim=1).min() > 1e-6  # a zero edge would divide by zero


def test_atlas_is_finite_and_outside_at_its_border():
    found = atlas()
    assert found.shape[:2] == (12, 2) and torch.isfinite(found).all()
    assert found[:, :, 0].min() > ATLAS_EXTENT - 1.3
    assert (found.amin((2, 3)) < 0).all()
