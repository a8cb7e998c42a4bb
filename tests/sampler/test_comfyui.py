"""The node for ComfyUI, by the interface that it is called through, against the library's own sampler."""

import importlib.util
import math
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from end_to_end import ROOT

from repulsion.core.errors import BadInput
from repulsion.diffusion.predictions import flow_sigma
from repulsion.forces.embeddings import Context
from repulsion.sampling.methods import METHODS_FILE, PLAIN, load_methods
from repulsion.sampling.prediction_hook import fits_a_hook, prediction_hook
from repulsion.sampling.sampler import sample

METHODS = load_methods(METHODS_FILE)
ROWS = ("latent", "channel_average", "rule_of_thirds", "particle_guidance", "spell", "rke_guidance")


@pytest.fixture(scope="module")
def node():
    """As ComfyUI imports a folder of custom_nodes."""
    path = ROOT / "comfyui" / "__init__.py"
    spec = importlib.util.spec_from_file_location("custom_node", path, submodule_search_locations=[str(path.parent)])
    module = importlib.util.module_from_spec(spec)
    sys.modules["custom_node"] = module
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.split(".")[0] == "custom_node"]:
        del sys.modules[name]


class EPS: ...


class CONST: ...


class Patcher:
    """What the node uses of ComfyUI's ModelPatcher."""

    def __init__(self, kind: type) -> None:
        self.model_sampling = type("ModelSampling", (kind,), {})()
        self.model_options: dict = {}

    def clone(self) -> "Patcher":
        other = Patcher(type(self.model_sampling).__mro__[1])
        other.model_options = dict(self.model_options)
        return other

    def get_model_object(self, name: str) -> object:
        return getattr(self, name)

    def set_model_sampler_post_cfg_function(self, function, disable_cfg1_optimization: bool = False) -> None:
        before = self.model_options.get("sampler_post_cfg_function", [])
        self.model_options["sampler_post_cfg_function"] = [*before, function]


def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Towards 1, more so at low noise; at sigma = infinity x is noise."""
    return torch.full_like(x, 0.5) + 0.1 * x.tanh() if math.isinf(sigma) else (x + sigma**2) / (1 + sigma**2)


def euler(patched: Patcher, x: torch.Tensor, sigmas: list[float], predict) -> torch.Tensor:
    """ComfyUI's sample_euler over sigmas (of a flow: times), in its inference mode."""
    with torch.inference_mode():
        x = x.clone()
        for sigma, following in pairwise(sigmas):
            found = predict(x, sigma)
            for function in patched.model_options.get("sampler_post_cfg_function", []):
                args = {"denoised": found, "cond": None, "uncond": None, "cond_scale": 7.0, "model": None}
                args |= {"uncond_denoised": found, "cond_denoised": found, "model_options": patched.model_options}
                found = function(args | {"sigma": torch.full((len(x),), sigma), "input": x})
            x = x + (following - sigma) * (x - found) / sigma
    return x


def ours(method, start: torch.Tensor, sigmas: list[float]) -> torch.Tensor:
    return sample(denoise, torch.tensor(sigmas, dtype=torch.float64), method, lambda _: start, Context(0), "test")


@pytest.fixture
def start() -> torch.Tensor:
    return torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_node_offers_the_rows_that_only_repel(node):
    inputs = node.NODE_CLASS_MAPPINGS["RepelModel"].INPUT_TYPES()["required"]
    assert tuple(inputs["method"][0]) == ROWS and inputs["method"][1]["default"] in ROWS
    assert set(node.NODE_CLASS_MAPPINGS) == set(node.NODE_DISPLAY_NAME_MAPPINGS)
    kind = node.NODE_CLASS_MAPPINGS["RepelModel"]
    assert kind.RETURN_TYPES == ("MODEL",) and callable(getattr(kind(), kind.FUNCTION))


@pytest.mark.parametrize("name", ROWS)
def test_comfyui_s_euler_sampler_with_the_node_is_our_sampler(node, start, name):
    sigmas = [14.6, 6.0, 2.0, 0.7, 0.1, 0.0]
    (patched,) = node.RepelModel().patch(Patcher(EPS), name, 1.0)
    found = euler(patched, start * sigmas[0], sigmas, denoise)
    assert torch.allclose(found, ours(METHODS[name], start, sigmas), atol=1e-5)
    assert not torch.allclose(found, ours(PLAIN, start, sigmas), atol=1e-3)


@pytest.mark.parametrize("name", ROWS)
def test_a_flow_too(node, start, name):
    times = [1.0, 0.8, 0.5, 0.2, 0.0]

    def predict(state: torch.Tensor, t: float) -> torch.Tensor:
        return denoise(state if t == 1 else state / (1 - t), flow_sigma(t))

    (patched,) = node.RepelModel().patch(Patcher(CONST), name, 1.0)
    found = euler(patched, start, times, predict)
    assert torch.allclose(found, ours(METHODS[name], start, [flow_sigma(t) for t in times]), atol=1e-5)


def test_strength_is_a_multiple_and_zero_is_plain(node, start):
    sigmas = [14.6, 2.0, 0.1, 0.0]
    for times in (0.0, 2.0):
        (patched,) = node.RepelModel().patch(Patcher(EPS), "latent", times)
        cell = METHODS["latent"].repel[0]
        scaled = replace(cell, strength=replace(cell.strength, value=times * cell.strength.value))
        method = replace(METHODS["latent"], repel=(scaled,))
        assert torch.allclose(euler(patched, start * 14.6, sigmas, denoise), ours(method, start, sigmas), atol=1e-5)
    (patched,) = node.RepelModel().patch(Patcher(EPS), "latent", 0.0)
    found = euler(patched, start * 14.6, sigmas, denoise)
    assert torch.allclose(found, ours(PLAIN, start, sigmas), atol=1e-5)


def test_the_model_that_is_patched_stays_as_it_is(node):
    model = Patcher(EPS)
    model.set_model_sampler_post_cfg_function(lambda args: args["denoised"])
    (patched,) = node.RepelModel().patch(model, "latent", 1.0)
    assert len(model.model_options["sampler_post_cfg_function"]) == 1
    assert len(patched.model_options["sampler_post_cfg_function"]) == 2


def test_one_image_has_none_to_repel(node, start):
    (patched,) = node.RepelModel().patch(Patcher(EPS), "latent", 1.0)
    found = euler(patched, start[:1] * 14.6, [14.6, 2.0, 0.0], denoise)
    assert torch.allclose(found, ours(PLAIN, start[:1], [14.6, 2.0, 0.0]), atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "ancestral",
        "less_guidance",
        "random_cnn",
        "style_classifier",
        "centre_of_mass",
        "spell_protected",
        "oscar",
    ],
)
def test_rows_that_need_more_than_a_hook_are_refused(name):
    assert not fits_a_hook(METHODS[name])
    with pytest.raises(BadInput, match="expected a row that only repels"):
        prediction_hook(METHODS[name])


def test_a_row_that_needs_protected_latents_does_not_fit():
    """Also one to which somebody else would give them."""
    assert not fits_a_hook(replace(METHODS["spell_protected"], protect=None)) and fits_a_hook(METHODS["spell"])
