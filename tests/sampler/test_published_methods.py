"""Every published method's row on the shipped model: the limit in which it is plain sampling, and what its images must
not depend on. Signs and closed forms of their parts are in tests/library."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from repulsion.diffusion.model import load_pipeline
from repulsion.forces import style_classifier
from repulsion.forces.repulsion import Strength
from repulsion.sampling.conditions import Guidance, PromptNoise, Rescaling
from repulsion.sampling.methods import PLAIN, Method, load_methods
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

ROOT = Path(__file__).parents[2]
REQUEST = SetRequest("a painting of a vase", 0, "vase", "linspace", 3, 8.0, 16, 16, 16, "test")
ROWS = load_methods()


def without_force(method: Method) -> Method:
    return replace(method, repel=tuple(replace(cell, strength=Strength("alpha", 0.0)) for cell in method.repel))


# The row at the end of its scale at which nothing is left of it. CADS's is in tests/library/test_conditions.py: at the
# first level, of time 1, its condition is noise whatever its window.
LIMITS = {
    "less_guidance": replace(ROWS["less_guidance"], guidance=Guidance(8.0)),
    "guidance_interval": replace(ROWS["guidance_interval"], guidance=Guidance(8.0, sigma_max=100.0)),
    "projected_guidance": replace(ROWS["projected_guidance"], guidance=Guidance(8.0, parallel=1.0)),
    "score_rescaling": replace(ROWS["score_rescaling"], rescale=Rescaling(1.0)),
    "prompt_noise": replace(ROWS["prompt_noise"], prompt_noise=PromptNoise(0.0, sigma_min=5.0)),
    "contrast": replace(ROWS["contrast"], contrast=replace(ROWS["contrast"].contrast, step=1e-9)),
    "best_of": replace(ROWS["best_of"], select=replace(ROWS["best_of"].select, candidates=1)),
    "pruned": replace(ROWS["pruned"], select=replace(ROWS["pruned"].select, candidates=1)),
}
FORCES = (
    *("particle_guidance", "particle_guidance_decoded", "spell", "spell_protected", "diverse_flow", "vendi_guidance"),
    *("rke_guidance", "oscar", "style_classifier", "style_and_place"),
)
LIMITS |= {name: without_force(ROWS[name]) for name in FORCES}


@pytest.fixture(scope="module")
def pipe():
    return load_pipeline(ROOT / "models" / "painted-world", "cpu")


@pytest.fixture(scope="module")
def classifier():
    return style_classifier.load(ROOT / "models" / "style-classifier")


@pytest.mark.parametrize("name", LIMITS)
def test_nothing_is_left_of_a_method_at_the_end_of_its_scale(name, pipe, classifier):
    plain = sample_particles(pipe, PLAIN, REQUEST, [0, 1, 2], None).x0
    limit = sample_particles(pipe, LIMITS[name], REQUEST, [0, 1, 2], classifier).x0
    assert torch.allclose(limit, plain, atol=2e-3)
    if name not in ("best_of", "pruned"):  # chosen among three, the same three may be the farthest
        moved = sample_particles(pipe, ROWS[name], REQUEST, [0, 1, 2], classifier).x0
        assert not torch.allclose(moved, plain, atol=2e-2) or name in ("spell", "spell_protected")


TOGETHER = [name for name in (*FORCES, "coupled", "coupled_style_classifier", "contrast", "svgd")]


@pytest.mark.parametrize("name", TOGETHER)
def test_the_order_of_a_set_s_particles_does_not_matter(name, pipe, classifier):
    order = [2, 0, 1]
    there = sample_particles(pipe, ROWS[name], REQUEST, [0, 1, 2], classifier).x0
    again = sample_particles(pipe, ROWS[name], REQUEST, order, classifier).x0
    assert torch.allclose(again, there[order], atol=1e-2)


@pytest.mark.parametrize("name", ["less_guidance", "guidance_interval", "projected_guidance", "score_rescaling"])
def test_images_that_do_not_see_each_other_do_not_depend_on_their_set(name, pipe):
    whole = sample_particles(pipe, ROWS[name], REQUEST, [0, 1, 2], None).x0
    part = sample_particles(pipe, ROWS[name], REQUEST, [1], None).x0
    assert torch.allclose(part, whole[1:2], atol=1e-3)


@pytest.mark.parametrize("name", [*FORCES, "svgd", "contrast"])
def test_one_particle_is_plain_sampling_but_for_what_is_protected(name, pipe, classifier):
    plain = sample_particles(pipe, PLAIN, REQUEST, [5], None).x0
    alone = sample_particles(pipe, ROWS[name], REQUEST, [5], classifier).x0
    assert torch.allclose(alone, plain, atol=1e-3) or name == "spell_protected"
