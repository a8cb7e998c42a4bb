from pathlib import Path

import numpy as np
import pytest
import torch
from stand_ins import inception_weights

from pipeline.encoders.encoders import ENCODERS, inception_input, load_inception
from pipeline.world.worlds import PAINTED
from repulsion.core.errors import BadInput

WORLD_ENCODER = Path(__file__).parents[2] / "models" / "painted-world" / "encoder"
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Random weights of the real architecture, stored as the real ones are."""
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(inception_weights(), path)
    return path


def test_inception_gives_the_thesis_s_spaces_in_one_pass(weights):
    vectors = ENCODERS["inception"](weights, "cpu").encode(IMAGES)
    shapes = {name: tuple(v.shape) for name, v in vectors.items()}
    assert shapes == {
        "general": (3, 2048),
        "location": (3, 1225),
        "style": (3, 2080),
        "location_shape": (3, 1225),
        "gram": (3, 2080),
    }
    assert all(torch.isfinite(v).all() for v in vectors.values())
    alone = ENCODERS["inception"](weights, "cpu").encode(IMAGES[1:2])
    assert torch.allclose(alone["general"], vectors["general"][1:2], rtol=1e-3, atol=1e-4)


def test_inception_s_input_is_clean_fid_s(weights):
    from cleanfid.resize import make_resizer

    expected = make_resizer("PIL", False, "bicubic", (299, 299))(IMAGES[0])
    assert torch.allclose(inception_input(IMAGES)[0], torch.from_numpy(expected).permute(2, 0, 1) / 255)


def test_weights_that_are_no_inception(tmp_path):
    for content in (b"", b"no weights", None):
        path = tmp_path / "weights.pth"
        if content is None:
            torch.save({"layer": torch.zeros(1)}, path)
        else:
            path.write_bytes(content)
        with pytest.raises(BadInput, match="encoder inception: .*weights.pth cannot be used"):
            load_inception(path)


def test_the_painted_world_s_readings_are_its_encoder_s():
    from pipeline.encoders import evaluation_encoder

    found = ENCODERS["painted_world"](WORLD_ENCODER, "cpu")
    vectors = found.encode(IMAGES)
    reading = evaluation_encoder.load(WORLD_ENCODER, PAINTED).read(torch.from_numpy(IMAGES).permute(0, 3, 1, 2))
    assert torch.allclose(vectors["artist"], reading.artist, atol=1e-5) and len(found.classes["artist"]) == 20
    assert torch.allclose(vectors["place"], reading.place, atol=1e-5) and len(found.classes["subject"]) == 12
