"""Counted cost against counting by hand, and arithmetic against its closed form."""

from pathlib import Path

import pytest
import torch

from pipeline.machine.architecture import PARAMETERS, PIPELINE, SD2
from pipeline.machine.cost import arithmetic, counted
from pipeline.profile.sections import SamplingParams
from pipeline.sampling.passes import passes
from repulsion.diffusion.levels import linspace_levels, scaled_linear_abar, sigma_table
from repulsion.diffusion.model_folder import LAYOUTS
from repulsion.forces.contrast import Contrast
from repulsion.forces.repulsion import Repulsion, Strength
from repulsion.sampling.conditions import Guidance
from repulsion.sampling.methods import Correction, Method, Protection, Selection, load_methods

SIGMAS = linspace_levels(sigma_table(scaled_linear_abar(0.00085, 0.012, 1000)), 20)
P = SamplingParams("linspace", 20, 8.0, 4, 1, 128, 0)
THROUGH = Repulsion("rbf", "centre_of_mass", "denoised", Strength("relative", 0.1), "median", sigma_min=4.5)
NOISY = Repulsion("rbf", "style_classifier", "noisy", Strength("alpha", 10.0), "median")
PROTECTED = Repulsion("rbf", "latent", "x0", Strength("alpha", 10.0), "median", protected=True)


@pytest.mark.parametrize(
    "method,forward,backward",
    [
        (Method("euler"), 40, 0),  # 20 levels, with and without the prompt
        (Method("heun"), 2 * 40 - 2, 0),  # the last step, to 0, is Euler's
        (Method("euler", correct=Correction("langevin", sigma_min=1.6)), 60, 0),
        (Method("euler", correct=Correction("random", sigma_min=1.6)), 40, 0),
        (Method("euler", guidance=Guidance(scale=8.0, sigma_max=3.5)), 6 + 28, 0),
        (Method("euler", repel=(NOISY,)), 40, 0),
        (Method("euler", repel=(THROUGH, NOISY)), 40, 10),
        (Method("euler", select=Selection(3, "latent")), 120, 0),
        (Method("euler", select=Selection(3, "latent", sigma=1.9)), 3 * (18 + 2) + 22, 0),  # 9 levels are above 1.9
        (Method("euler", select=Selection(3, "latent", sigma=100.0)), 3 * 2 + 40, 0),
        (Method("euler", contrast=Contrast(5, 0.1)), 40 + 5 * 2, 0),
        (Method("euler", repel=(PROTECTED,), protect=Protection(6)), 40 + 40 * 6 / 4, 0),  # for sets of four
    ],
)
def test_passes_by_hand(method, forward, backward):
    found = passes(method, P, 128, SIGMAS)
    assert (found.forward, found.backward) == (forward, backward)


def test_several_slices_cost_a_forward_pass_again_on_the_way_back():
    method = Method("euler", repel=(THROUGH,))
    small = SamplingParams("linspace", 20, 8.0, 4, 1, 7, 0)  # 8 latents in two slices
    for p, gradient_batch in ((small, 128), (P, 7)):
        assert passes(method, p, gradient_batch, SIGMAS).forward == 50
        assert passes(method, p, gradient_batch, SIGMAS).backward == 10
    assert passes(method, P, 8, SIGMAS).forward == 40


def test_every_shipped_row_can_be_counted():
    root = Path(__file__).parents[2]
    for path in (root / "repulsion/data/methods.yaml", root / "profiles/sd2/methods.yaml"):
        for name, method in load_methods(path).items():
            assert passes(method, P, 128, SIGMAS).forward >= 20, name


def test_a_matrix_product_is_two_operations_a_multiplication():
    a, b = torch.empty(3, 5, device="meta"), torch.empty(5, 7, device="meta")
    assert counted(lambda: a @ b) == 2 * 3 * 5 * 7


def test_stable_diffusion_2_by_its_shape():
    """0.4 T multiply-adds a latent, the figure that is quoted for it; 866 M parameters in its UNet."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    one = arithmetic(LAYOUTS[PIPELINE], SD2)
    assert one.denoiser == pytest.approx(0.80, abs=0.01) and one.decoder == pytest.approx(2.5, abs=0.1)
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel.from_config(SD2["unet"]), AutoencoderKL.from_config(SD2["vae"])
        text = CLIPTextModel(CLIPTextConfig(**SD2["text_encoder"]))
    networks = {"unet": unet, "vae": vae, "text_encoder": text}
    counts = {part: sum(p.numel() for p in network.parameters()) for part, network in networks.items()}
    assert counts == PARAMETERS and counts["unet"] == pytest.approx(866e6, rel=1e-3)
