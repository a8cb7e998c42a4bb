import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.encoders import evaluation_encoder
from pipeline.encoders.evaluation_encoder import EvaluationEncoder
from pipeline.stages.world.encoder import augment, blur
from pipeline.world.worlds import PAINTED


def test_blur_of_a_point_is_a_gaussian_of_the_given_width():
    image = torch.zeros(2, 3, 15, 15, dtype=torch.float64)
    image[:, :, 7, 7] = 1
    sigma = torch.tensor([0.8, 1.0], dtype=torch.float64)
    out = blur(image, sigma)
    x = torch.arange(15, dtype=torch.float64) - 7
    variance = (out.sum(2) * x.square()).sum(-1)
    assert torch.allclose(out.sum((2, 3)), torch.ones(2, 3, dtype=torch.float64))
    # the kernel is cut at 3 pixels: at sigma 1 that takes 1.5% of the variance
    assert torch.allclose(variance, sigma.square().view(2, 1).expand(2, 3), rtol=0.03)


def test_blur_by_nothing_and_blur_of_a_plane():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 2, 8, 9, generator=generator)
    assert torch.allclose(blur(image, torch.zeros(3)), image)
    flat = torch.full((3, 2, 8, 9), 0.7)
    assert torch.allclose(blur(flat, torch.tensor([0.0, 0.5, 1.2])), flat)


def test_augment_repeats_by_seed_and_keeps_the_mean():
    images = torch.full((4, 3, 64, 64), 100, dtype=torch.uint8)
    once, twice = (augment(images, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(once, twice)
    # 12,288 values of noise up to 16: the mean moves by at most 5 * 16 / sqrt(12288) = 0.7
    assert (once.mean((1, 2, 3)) - 100).abs().max() < 0.8
    noise = augment(images.repeat(10, 1, 1, 1), torch.Generator().manual_seed(2)).std((1, 2, 3))
    assert noise.max() <= 16.5 and noise.min() < 4 and noise.max() > 12  # 40 levels, uniform from none to 16


def test_augment_softens_an_edge():
    images = torch.zeros(50, 3, 64, 64, dtype=torch.uint8)
    images[..., 32:] = 200
    out = augment(images, torch.Generator().manual_seed(1)).mean((1, 2))  # rows average the noise away
    assert (out[:, 31] > 20).any() and (out[:, 31] < 5).any()  # some edges are blurred, some are not


@pytest.fixture(scope="module")
def encoder() -> EvaluationEncoder:
    torch.manual_seed(0)
    return EvaluationEncoder(PAINTED).eval()


def test_reads_independently_of_the_batch_and_from_the_blocks_alone(encoder):
    images = torch.randint(0, 256, (7, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    reading = encoder.read(images)
    assert reading.subject.shape == (7, 12) and reading.artist.shape == (7, 20) and reading.place.shape == (7, 2)
    assert torch.allclose(reading.subject.exp().sum(1), torch.ones(7), atol=1e-5)
    sliced, heads = encoder.read(images, batch=2), encoder.heads(encoder.blocks(images))
    for name in ("subject", "artist", "place"):  # convolutions of other batch sizes round otherwise in the last bits
        assert torch.allclose(getattr(reading, name), getattr(sliced, name), rtol=1e-4, atol=1e-5)
        assert torch.equal(getattr(reading, name), getattr(heads, name))


def test_saves_and_loads(encoder, tmp_path):
    evaluation_encoder.save(encoder, PAINTED, tmp_path)
    loaded = evaluation_encoder.load(tmp_path, PAINTED)
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), loaded.parameters(), strict=True))


def test_bad_folders_are_named(encoder, tmp_path):
    with pytest.raises(ValueError, match="config.json is missing"):
        evaluation_encoder.load(tmp_path, PAINTED)
    evaluation_encoder.save(encoder, PAINTED, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    save_file(weights | {"place.bias": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"place.bias has shape \(3,\); expected shape \(2,\)"):
        evaluation_encoder.load(tmp_path, PAINTED)
    del weights["place.bias"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="place.bias is missing"):
        evaluation_encoder.load(tmp_path, PAINTED)
    (tmp_path / "config.json").write_text(json.dumps({"subjects": ["dog"], "artists": []}))
    with pytest.raises(ValueError, match=r"reads subjects \['dog'\], expected vase, tree"):
        evaluation_encoder.load(tmp_path, PAINTED)
