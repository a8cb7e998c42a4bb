"""The model as denoise(x, sigma): against diffusers' own loop, on toy networks of Stable Diffusion's classes."""

import pytest
import torch
from diffusers import DDIMScheduler
from toy import toy_pipeline

from repulsion.core.errors import BadInput
from repulsion.diffusion.denoiser import Denoiser, to_images
from repulsion.diffusion.levels import noise_levels, sigma_table
from repulsion.diffusion.predictions import X0_FROM
from repulsion.forces.embeddings import Context
from repulsion.sampling.methods import Method
from repulsion.sampling.repel import repel
from repulsion.sampling.sampler import sample
from repulsion.tensors.noise import particle_noise

PROMPT = "a painting of a vase, by estrow"
PLAIN = Method("euler", None, None, None)


def start(n: int) -> torch.Tensor:
    return particle_noise(0, PROMPT, list(range(n)), "start", (4, 8, 8))


def euler(pipe, n: int, guidance_scale: float, batch: int, **hooks) -> torch.Tensor:
    sigmas = noise_levels("linspace", sigma_table(pipe.scheduler.alphas_cumprod), 20)
    denoise = Denoiser(pipe, PROMPT, guidance_scale, batch, **hooks)
    return sample(denoise, sigmas, PLAIN, lambda purpose: start(n), Context(0), "test")


@pytest.mark.parametrize("guidance_scale", [1.0, 8.0])
@pytest.mark.parametrize("prediction_type", X0_FROM)
def test_plain_euler_equals_diffusers(prediction_type, guidance_scale):
    pipe = toy_pipeline(prediction_type)
    theirs = pipe(
        [PROMPT] * 3, num_inference_steps=20, guidance_scale=guidance_scale, latents=start(3), output_type="latent"
    ).images
    ours = euler(pipe, 3, guidance_scale, 128)
    # twenty steps of float32: 20 * 1e-7 * the 14.6 that latents start at, times guidance
    assert (ours - theirs).abs().max() <= 2e-4 * theirs.abs().max()


def test_micro_batches_change_nothing_but_rounding():
    pipe = toy_pipeline("epsilon")
    whole, slices = euler(pipe, 5, 8.0, 128), euler(pipe, 5, 8.0, 3)
    assert torch.allclose(whole, slices, rtol=1e-3, atol=1e-4 * whole.abs().max().item())


def test_x0_from_epsilon_and_v_agree():
    """v = a eps - s x0 with a = 1 / sqrt(1 + sigma^2), s = a sigma: both lead back to the x0 that made x."""
    generator = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(2, 4, 3, 3, dtype=torch.float64, generator=generator) for _ in range(2))
    sigma = 1.7
    a = (1 + sigma**2) ** -0.5
    x = x0 + sigma * eps
    assert torch.allclose(X0_FROM["epsilon"](x, eps, sigma), x0)
    assert torch.allclose(X0_FROM["v_prediction"](x, a * eps - a * sigma * x0, sigma), x0)


def test_guidance_one_leaves_out_the_unconditional_pass():
    pipe = toy_pipeline("epsilon")
    for scale, passes in ((1.0, 3), (8.0, 6)):
        denoise = Denoiser(pipe, PROMPT, scale, 128)
        with torch.no_grad():
            denoise(start(3), 1.0)
        assert denoise.passes == passes


def test_hooks_edit_the_condition_and_the_weight():
    pipe = toy_pipeline("epsilon")
    plain = euler(pipe, 2, 8.0, 128)
    assert torch.equal(euler(pipe, 2, 8.0, 128, edit_condition=lambda c, sigma: c), plain)
    assert not torch.allclose(
        euler(pipe, 2, 8.0, 128, edit_condition=lambda c, sigma: {name: 0 * v for name, v in c.items()}), plain
    )
    assert torch.equal(euler(pipe, 2, 8.0, 128, guidance_weight=lambda sigma: 1.0), euler(pipe, 2, 1.0, 128))


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"n": 0}, "n: expected at least 1, got 0"),
        ({"method": "teleport"}, "unknown method 'teleport'; expected one of plain, ancestral"),
        ({"method": "style_classifier"}, "space 'style_classifier' needs a style classifier"),
        ({"schedule": "cosine"}, "unknown schedule 'cosine'"),
        ({"guidance_scale": 0.5}, "guidance scale: expected at least 1"),
        ({"batch": 0}, "batch: expected at least 1, got 0"),
    ],
)
def test_bad_input(changes, message):
    values = {
        "pipe": toy_pipeline("epsilon"),
        "prompt": PROMPT,
        "method": "plain",
        "n": 2,
        "seed": 0,
        "style_classifier": None,
    }
    with pytest.raises(BadInput, match=message):
        repel(**(values | changes))


@pytest.mark.parametrize("levels", [10, 50])
def test_rows_travel_to_other_numbers_of_levels(levels):
    """A call of one row is not stopped by another row, and its parts act between the same sigmas."""
    pipe = toy_pipeline("epsilon")
    for method in ("plain", "langevin", "guidance_interval", "channel_average"):
        assert repel(pipe, PROMPT, method, n=2, seed=0, levels=levels).shape == (2, 3, 64, 64)


def test_a_set_can_be_redone_alone_bit_for_bit():
    pipe = toy_pipeline("epsilon")
    twice = [repel(pipe, PROMPT, "channel_average", n=4, seed=0) for _ in range(2)]
    assert torch.equal(*twice) and twice[0].shape == (4, 3, 64, 64)
    assert not torch.equal(twice[0], repel(pipe, PROMPT, "channel_average", n=4, seed=1))


def test_methods_start_from_the_same_noise():
    """With one particle nothing repels: every prediction by Euler gives the same image."""
    pipe = toy_pipeline("epsilon")
    one = [repel(pipe, PROMPT, method, n=1, seed=0) for method in ("plain", "latent", "rule_of_thirds")]
    assert torch.equal(one[0], one[1]) and torch.equal(one[0], one[2])


def test_images_are_bytes_of_the_decoded_range():
    pipe = toy_pipeline("epsilon")
    images = to_images(pipe, start(3), batch=2)
    assert images.dtype == torch.uint8 and images.shape == (3, 3, 64, 64)


def test_other_predictions_are_named():
    pipe = toy_pipeline("epsilon")
    pipe.scheduler = DDIMScheduler(prediction_type="sample")
    with pytest.raises(BadInput, match="prediction type 'sample'; expected one of epsilon, v_prediction"):
        Denoiser(pipe, PROMPT, 8.0, 128)
