"""A method's row on the shipped model: how the denoiser is conditioned, how often it is called, and what is kept."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from repulsion.core.errors import BadInput
from repulsion.core.settings import MAX_IMAGES
from repulsion.diffusion.model import load_pipeline
from repulsion.forces.repulsion import Repulsion, Strength
from repulsion.sampling import progress
from repulsion.sampling.conditions import Anneal, Guidance, PromptNoise
from repulsion.sampling.methods import PLAIN, Method, Protection, Selection
from repulsion.sampling.particles import PROTECTED, ParticleResult, sample_particles
from repulsion.sampling.request import SetRequest

REQUEST = SetRequest("a painting of a vase", 0, "vase", "linspace", 3, 8.0, 16, 16, 16, "test")
N = 4
NOISE = PromptNoise(2.0, sigma_min=5.0)


@pytest.fixture(scope="module")
def pipe():
    return load_pipeline(Path(__file__).parents[2] / "models" / "painted-world", "cpu")


def made(pipe, method: Method, request: SetRequest = REQUEST) -> ParticleResult:
    return sample_particles(pipe, method, request, list(range(N)), None)


def repelled(input: str, value: float = 0.2) -> Method:
    cell = Repulsion("rbf", "centre_of_mass", input, Strength("relative", value), "median", sigma_min=1)  # two of three
    return Method("euler", repel=(cell,))


def test_a_guidance_scale_of_its_own(pipe):
    plain = made(pipe, PLAIN)
    same = made(pipe, Method("euler", guidance=Guidance(scale=8.0)))
    assert torch.equal(plain.x0, same.x0) and plain.passes == same.passes == 2 * N * 3
    other = made(pipe, Method("euler", guidance=Guidance(scale=2.0)))
    assert torch.equal(other.x0, made(pipe, PLAIN, replace(REQUEST, guidance_scale=2.0)).x0)
    interval = made(pipe, Method("euler", guidance=Guidance(scale=8.0, sigma_max=5)))
    assert interval.passes == N + 2 * N * 2  # no unconditional pass where there is no guidance
    assert not torch.equal(interval.x0, plain.x0)


def test_projected_guidance_of_all_that_there_is_is_guidance(pipe):
    plain = made(pipe, PLAIN).x0
    far = Guidance(scale=8.0, max_norm=1e6)
    assert torch.allclose(made(pipe, Method("euler", guidance=far)).x0, plain, atol=1e-3)
    orthogonal = made(pipe, Method("euler", guidance=Guidance(scale=8.0, parallel=0.0)))
    assert not torch.allclose(orthogonal.x0, plain, atol=0.1) and orthogonal.passes == 2 * N * 3


def protecting(images: int | None = 2) -> Method:
    cell = Repulsion("sparse", "latent", "x0", Strength("prediction", 1.0), "given", h=1600.0, protected=True)
    return Method("euler", repel=(cell,), protect=Protection(images) if images else None)


def test_a_protected_set_is_plain_sampling_from_starts_of_its_own_and_is_counted(pipe):
    found = made(pipe, protecting())
    assert found.passes == 2 * (N + 2) * 3 and found.index == list(range(N))
    own = sample_particles(pipe, PLAIN, REQUEST, [PROTECTED, PROTECTED + 1], None).x0
    given = sample_particles(pipe, protecting(None), REQUEST, list(range(N)), protected=own)
    assert torch.equal(given.x0, found.x0) and given.passes == 2 * N * 3
    within = replace(protecting(None).repel[0], protected=False)
    assert not torch.equal(made(pipe, Method("euler", repel=(within,))).x0, found.x0)
    alone = sample_particles(pipe, protecting(), REQUEST, [0], None)  # what is protected acts on one particle, too
    assert not torch.allclose(alone.x0, made(pipe, PLAIN).x0[:1], atol=1e-3)


def test_a_protected_set_there_is_none_of_is_one_line(pipe):
    with pytest.raises(BadInput, match="a repulsion from protected latents needs some, and none were given"):
        made(pipe, protecting(None))
    latents = torch.zeros(2, 4, 8, 8)
    with pytest.raises(BadInput, match="protected latents, and no repulsion that is protected"):
        sample_particles(pipe, PLAIN, REQUEST, [0, 1], protected=latents)
    with pytest.raises(BadInput, match=r"protected: expected latents \[m, 4, 8, 8\], got \[m, \*\(4, 8, 4\)\]"):
        sample_particles(pipe, protecting(None), REQUEST, [0, 1], protected=latents[..., :4])
    with pytest.raises(BadInput, match="protect: expected a repulsion that is protected, got none"):
        Method("euler", protect=Protection(2))
    with pytest.raises(BadInput, match="a method that makes a protected set expects one text for all, got a list"):
        made(pipe, protecting(), replace(REQUEST, texts=["a painting of a vase"] * N))


def test_an_annealed_condition_is_the_particle_s_own(pipe):
    method = Method("euler", anneal=Anneal(0.4, 0.9, 0.25))
    whole = made(pipe, method)
    assert not torch.equal(whole.x0, made(pipe, PLAIN).x0)
    part = sample_particles(pipe, method, REQUEST, [2, 3], None)
    assert torch.allclose(part.x0, whole.x0[2:], atol=1e-4)  # in any batch


def test_noise_on_the_prompt_is_the_particle_s_own_and_ends(pipe):
    """The first of the three levels is above sigma 5, the second above 0.5."""
    plain, early, later = (
        made(pipe, Method("euler", prompt_noise=p)).x0 for p in (None, NOISE, replace(NOISE, sigma_min=0.5))
    )
    assert not torch.equal(early, plain) and not torch.equal(early, later)
    part = sample_particles(pipe, Method("euler", prompt_noise=NOISE), REQUEST, [2, 3], None)
    assert torch.allclose(part.x0, early[2:], atol=1e-4)  # in any batch
    assert torch.equal(made(pipe, Method("euler", prompt_noise=replace(NOISE, scale=0.0))).x0, plain)
    with pytest.raises(BadInput, match="prompt_noise: no noise level within sigma 50.0 .. inf"):
        made(pipe, Method("euler", prompt_noise=replace(NOISE, sigma_min=50.0)))


@pytest.mark.parametrize("input,backward", [("x0", 0), ("denoised", 2 * N * 2)])
def test_backward_passes_are_counted(pipe, input, backward):
    one = made(pipe, repelled(input))
    assert (one.passes, one.backward_passes) == (2 * N * 3, backward)
    assert not torch.equal(one.x0, made(pipe, PLAIN).x0)


@pytest.mark.parametrize("input", ["x0", "denoised"])
def test_strength_zero_is_plain_through_the_denoiser_too(pipe, input):
    assert torch.equal(made(pipe, repelled(input, 0.0)).x0, made(pipe, PLAIN).x0)


def test_the_best_of_more_candidates(pipe):
    plain = made(pipe, PLAIN)
    assert torch.equal(made(pipe, Method("euler", select=Selection(1, "latent"))).x0, plain.x0)
    best = made(pipe, Method("euler", select=Selection(3, "latent")))
    assert best.passes == 3 * plain.passes and len(best.x0) == len(set(best.index)) == N
    assert best.index[0] == 0 and all(k % MAX_IMAGES < N for k in best.index)
    assert torch.pdist(best.x0.flatten(1)).min() > torch.pdist(plain.x0.flatten(1)).min()


def test_candidates_are_pruned_on_the_way(pipe):
    """The levels are 14.6, 1.6 and 0.03."""
    plain = made(pipe, PLAIN)
    assert torch.equal(made(pipe, Method("euler", select=Selection(1, "latent", sigma=2.0))).x0, plain.x0)
    pruned = made(pipe, Method("euler", select=Selection(3, "latent", sigma=2.0)))
    assert pruned.passes == 2 * N * (3 * 2 + 2) and len(pruned.x0) == len(set(pruned.index)) == N
    finished = sample_particles(pipe, PLAIN, REQUEST, pruned.index, None)
    assert torch.allclose(pruned.x0, finished.x0, atol=1e-4)  # what is kept is what it would have become
    assert torch.pdist(pruned.x0.flatten(1)).min() > torch.pdist(plain.x0.flatten(1)).min()


def test_a_list_of_texts_has_no_candidates(pipe):
    texts = replace(REQUEST, texts=["a painting of a vase"] * N)
    with pytest.raises(BadInput, match="expects one text for all, got a list"):
        made(pipe, Method("euler", select=Selection(2, "latent")), texts)


class Killed(Exception):
    pass


@pytest.mark.parametrize("level", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "select,levels,evaluations",
    [(None, 3, 2), (Selection(2, "latent"), 6, 4), (Selection(2, "latent", sigma=2.0), 4, 3)],
)
def test_a_killed_set_goes_on_after_its_last_level(pipe, tmp_path, monkeypatch, level, select, levels, evaluations):
    """As it would have ended: the same latents, counts and recorded forces."""
    method = replace(repelled("denoised"), select=select)
    assert method.levels([14.6, 1.6, 0.03]) == levels
    if level > levels:
        return
    monkeypatch.setattr(progress, "KEEP_FROM", 0.0)
    whole = made(pipe, method)
    ends = []

    def killed():
        ends.append(1)
        if len(ends) == level:
            raise Killed

    with pytest.raises(Killed):
        sample_particles(pipe, method, REQUEST, list(range(N)), None, tmp_path, killed)
    rest = []
    again = sample_particles(pipe, method, REQUEST, list(range(N)), None, tmp_path, lambda: rest.append(1))
    assert len(ends) + len(rest) == levels
    assert torch.equal(again.x0, whole.x0) and again.index == whole.index
    assert (again.passes, again.backward_passes) == (whole.passes, whole.backward_passes)
    assert again.evaluations == whole.evaluations and len(whole.evaluations) == evaluations


def test_what_another_set_kept_is_not_continued(pipe, tmp_path):
    sample_particles(pipe, PLAIN, REQUEST, [0], None, tmp_path)
    other = replace(REQUEST, seed=1)
    found = sample_particles(pipe, PLAIN, other, [0], None, tmp_path)
    assert torch.equal(found.x0, sample_particles(pipe, PLAIN, other, [0]).x0) and found.passes == 2 * 3


def test_fast_sets_keep_their_end_alone(pipe, tmp_path):
    counts = []
    sample_particles(pipe, PLAIN, REQUEST, [0], None, tmp_path, lambda: counts.append(len(list(tmp_path.iterdir()))))
    assert counts == [0, 0, 1]
    (tmp_path / "000.safetensors").write_bytes(b"half")  # what is damaged is made again
    x0 = sample_particles(pipe, PLAIN, REQUEST, [0], None, tmp_path).x0
    assert torch.equal(x0, sample_particles(pipe, PLAIN, REQUEST, [0]).x0)
