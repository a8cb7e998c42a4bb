import dataclasses
import math

import pytest
import torch

from pipeline.stages.story import ring
from repulsion.core.errors import BadInput
from repulsion.diffusion.levels import SCHEDULES, noise_levels, scaled_linear_abar, sigma_table
from repulsion.diffusion.mixture import GaussianMixture
from repulsion.forces.embeddings import Context
from repulsion.forces.repulsion import Repulsion, Strength
from repulsion.sampling.conditions import Guidance
from repulsion.sampling.methods import METHODS_FILE, Correction, Method, Spread, load_method, load_methods
from repulsion.sampling.sampler import Hooks, sample
from repulsion.sampling.steps import CORRECTIONS, PREDICTIONS, ancestral, euler, langevin, random
from repulsion.tensors.noise import particle_noise

SIGMAS = noise_levels("linspace", sigma_table(scaled_linear_abar(0.00085, 0.012, 1000)), 20)
PLAIN = Method("euler")


def repelled(alpha: float, space: str = "latent", **changes) -> Method:
    cell = Repulsion("rbf", space, "noisy", Strength("alpha", alpha), "median")
    return Method("euler", repel=(dataclasses.replace(cell, **changes),))


def gaussian(std: float):
    """The exact denoiser of N(0, std^2)."""
    return lambda x, sigma: x * (std**2 / (std**2 + sigma**2))


def noise_of(n: int, shape: tuple[int, ...] = (2,), seed: int = 0, order: list[int] | None = None):
    return lambda purpose: particle_noise(seed, "test", order or list(range(n)), purpose, shape).double()


def run(method: Method, n: int, denoise=None, shape=(2,), sigmas=SIGMAS, **kwargs):
    return sample(denoise or gaussian(1.0), sigmas, method, noise_of(n, shape), Context(0), "test", **kwargs)


# Steps in closed form


def no_draw():
    raise AssertionError("this step draws no noise")


def drift_of(std: float):
    return lambda x, sigma: -x / (std**2 + sigma**2)


def test_euler_on_a_gaussian():
    x = torch.tensor([[2.0]], dtype=torch.float64)
    # D(x) = x / 5 at sigma 2, so that dx / dsigma = (x - D) / sigma = 0.8
    assert euler(x, 2.0, 1.5, drift_of(1.0), no_draw).item() == pytest.approx(2 - 0.5 * 0.8)


def test_euler_lands_on_the_predicted_x0_at_sigma_zero():
    x = torch.tensor([[2.0]], dtype=torch.float64)
    assert euler(x, 2.0, 0.0, drift_of(1.0), no_draw).item() == pytest.approx(0.4)


@pytest.mark.parametrize("name,order", [("euler", 1), ("heun", 2)])
def test_prediction_steps_converge_at_their_order(name, order):
    """The probability flow of N(0, 1) from sigma 5 takes x to x / sqrt(1 + 25)."""
    step = PREDICTIONS[name]

    def error(steps: int) -> float:
        x = torch.tensor([[1.0]], dtype=torch.float64)
        for k in range(steps):
            x = step(x, 5 * (1 - k / steps), 5 * (1 - (k + 1) / steps), drift_of(1.0), no_draw)
        return abs(x.item() - 1 / math.sqrt(26))

    assert math.log2(error(200) / error(400)) == pytest.approx(order, abs=0.25)


def test_ancestral_keeps_the_variance_of_a_gaussian():
    """One exact step: noise of sigma_up on what Euler left at sigma_down; and to sigma 0 it is Euler."""
    x = torch.tensor([[2.0]], dtype=torch.float64)
    draw = torch.tensor([[0.7]], dtype=torch.float64)
    sigma, nxt = 2.0, 1.5
    up = math.sqrt(nxt**2 * (sigma**2 - nxt**2) / sigma**2)
    down = math.sqrt(nxt**2 - up**2)
    expected = 2 + (down - sigma) * 0.8 + up * 0.7
    assert ancestral(x, sigma, nxt, drift_of(1.0), lambda: draw).item() == pytest.approx(expected)
    assert torch.equal(ancestral(x, 2.0, 0.0, drift_of(1.0), no_draw), euler(x, 2.0, 0.0, drift_of(1.0), no_draw))


def test_corrections_by_hand():
    x, draw = torch.tensor([[2.0]], dtype=torch.float64), torch.tensor([[0.5]], dtype=torch.float64)
    eta = 2.0 * 0.5
    assert langevin(x, 2.0, 1.5, drift_of(1.0), lambda: draw).item() == pytest.approx(
        2 - eta * 2 / 5 + math.sqrt(2 * eta) * 0.5
    )
    assert random(x, 2.0, 1.5, drift_of(1.0), lambda: draw).item() == pytest.approx(2 + math.sqrt(2 * eta) * 0.5)


def test_small_langevin_steps_keep_a_gaussian():
    """At sigma with small eta the stationary variance is std^2 + sigma^2, up to O(eta)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(4000, 1, dtype=torch.float64)
    for _ in range(400):
        draw = torch.randn(4000, 1, dtype=torch.float64, generator=generator)
        x = langevin(x, 1.0, 0.97, drift_of(1.0), lambda draw=draw: draw)
    # 400 steps of 0.03 at rate 1/2: six relaxation times. A variance of 4000 draws has a standard error of 2.2%
    assert x.var().item() == pytest.approx(2.0, rel=0.08)


# The loop


def test_plain_sampling_of_a_gaussian_is_linear_in_closed_form():
    """Each Euler step multiplies x by 1 - (sigma - sigma_next) sigma / (1 + sigma^2)."""
    factor = 1.0
    for sigma, nxt in zip(SIGMAS[:-1].tolist(), SIGMAS[1:].tolist(), strict=True):
        factor *= 1 - (sigma - nxt) * sigma / (1 + sigma**2)
    expected = noise_of(5)("start") * SIGMAS[0] * factor
    assert torch.allclose(run(PLAIN, 5), expected, rtol=1e-12)


@pytest.mark.parametrize("predict", PREDICTIONS)
@pytest.mark.parametrize("correct", [None, *CORRECTIONS])
def test_strength_zero_is_the_plain_sampler_bit_for_bit(predict, correct):
    corrections = Correction(correct, sigma_min=1.6) if correct else None
    plain = Method(predict, corrections)
    zero = dataclasses.replace(repelled(0.0), predict=predict, correct=corrections)
    assert torch.equal(run(plain, 6), run(zero, 6))


@pytest.mark.parametrize("space", ["latent", "channel_average", "rule_of_thirds", "random_cnn", "mean"])
def test_one_particle_is_not_repelled_and_two_are_finite(space):
    shape = (4, 8, 8)
    assert torch.equal(run(PLAIN, 1, shape=shape), run(repelled(100.0, space), 1, shape=shape))
    two = run(repelled(100.0, space), 2, shape=shape)
    assert torch.isfinite(two).all() and not torch.equal(two, run(PLAIN, 2, shape=shape))


def test_permuted_particles_give_permuted_samples():
    order = [3, 0, 4, 1, 2]
    method = dataclasses.replace(repelled(50.0), predict="ancestral", correct=Correction("langevin", sigma_min=3.5))
    out = run(method, 5)
    permuted = sample(gaussian(1.0), SIGMAS, method, noise_of(5, order=order), Context(0), "test")
    assert torch.allclose(permuted, out[order], rtol=1e-9)


def test_identical_starts_stay_finite():
    noise = noise_of(1)
    same = sample(gaussian(1.0), SIGMAS, repelled(100.0), lambda p: noise(p).expand(4, 2), Context(0), "test")
    assert torch.isfinite(same).all() and torch.equal(same[0], same[3])


def test_repulsion_acts_only_at_its_levels():
    late = repelled(100.0, sigma_max=0.6)
    seen = []
    run(late, 3, observe=lambda e: seen.append(e.level))
    assert seen == [15, 16, 17, 18, 19]


@pytest.mark.parametrize("predict", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("levels", [5, 10, 20, 50])
def test_a_row_s_force_acts_between_the_same_sigmas_at_every_number_of_levels(levels, schedule, predict):
    """The rows that act within a range: at the levels that lie in it, and at no other."""
    sigmas = noise_levels(schedule, sigma_table(scaled_linear_abar(0.00085, 0.012, 1000)), levels)
    rows = {name: m for name, m in load_methods(METHODS_FILE).items() if name == "style_and_place"}
    cell = dataclasses.replace(rows["style_and_place"].repel[1], space="latent", input="noisy")
    assert (cell.sigma_min, cell.sigma_max) == (1.9, None)
    seen = []
    run(Method(predict, repel=(cell,)), 3, sigmas=sigmas, observe=lambda e: seen.append(e.level))
    acting = [level for level, sigma in enumerate(sigmas[:-1].tolist()) if sigma >= 1.9]
    assert sorted(set(seen)) == acting and 0 < len(acting) < levels


def test_at_twenty_levels_the_rows_act_where_they_were_chosen():
    """The levels that the strengths were chosen at: the first ten, nine and thirteen, and from the third, fifth and
    seventh on."""
    sweep = load_methods(METHODS_FILE.parents[2] / "profiles" / "sweep" / "methods.yaml")
    parts = {
        "correct": {(0, 9)},
        "guidance": {(0, 19), (2, 19), (4, 19), (6, 19)},
        "repel": {(0, 19), (0, 8), (0, 12), (6, 19)},
    }
    for kind, expected in parts.items():
        found = [part for m in sweep.values() if (part := getattr(m, kind))]
        cells = [cell for part in found for cell in (part if isinstance(part, tuple) else (part,))]
        acting = [[k for k, sigma in enumerate(SIGMAS[:-1].tolist()) if cell.acts_at(sigma)] for cell in cells]
        assert {(k[0], k[-1]) for k in acting} == expected and all(len(k) == k[-1] - k[0] + 1 for k in acting)


def test_a_range_without_a_noise_level_never_acts_and_is_an_error():
    with pytest.raises(
        BadInput, match=r"repel\[0\]: no noise level within sigma 20.0 .. inf; the 20 levels are within"
    ):
        run(repelled(1.0, sigma_min=20.0), 2)
    with pytest.raises(BadInput, match=r"guidance: no noise level within sigma 0.0 .. 0.01"):
        run(Method("euler", guidance=Guidance(scale=2.0, sigma_max=0.01)), 2)
    with pytest.raises(BadInput, match=r"sigma_min: expected at most sigma_max \(1.0\), got 2.0"):
        repelled(1.0, sigma_min=2.0, sigma_max=1.0)


def test_relative_strength_is_the_share_of_the_score():
    seen = []
    run(repelled(0.3, strength=Strength("relative", 0.3)), 8, observe=seen.append)
    assert len(seen) == 20
    for e in seen:
        assert e.repulsion_norm == pytest.approx(0.3 * e.score_norm, rel=1e-9)


def test_two_repulsions_add_up_and_share_no_strength():
    one, other = repelled(0.0, strength=Strength("relative", 0.2)), repelled(0.0, strength=Strength("relative", 0.1))
    both = Method("euler", repel=(*one.repel, *other.repel))  # the same direction twice
    assert torch.allclose(run(both, 5), run(repelled(0.0, strength=Strength("relative", 0.3)), 5))


@pytest.mark.parametrize("direction", ["random", "shuffled"])
def test_a_control_has_the_force_s_size_and_another_direction(direction):
    seen = []
    control = repelled(0.0, strength=Strength("relative", 0.3), direction=direction)
    out = run(control, 8, observe=seen.append)
    assert all(e.repulsion_norm == pytest.approx(0.3 * e.score_norm) for e in seen)
    assert torch.equal(out, run(control, 8))
    apart = run(repelled(0.0, strength=Strength("relative", 0.3)), 8)
    assert out.var(0).mean() < apart.var(0).mean()  # the noise does not spread as the repulsion does


def test_the_denoised_input_follows_the_denoiser_s_own_jacobian():
    """Of N(0, s^2) the denoiser is x c, so that repulsion in x0 is repulsion in x with its chain factor: the same
    direction, and at a relative strength the same samples."""
    through = repelled(0.0, strength=Strength("relative", 0.2), input="denoised")
    assert torch.allclose(run(through, 6), run(repelled(0.0, strength=Strength("relative", 0.2)), 6))


def test_repulsion_spreads_and_more_strength_spreads_more():
    spreads = [run(repelled(a), 20).var(0).mean().item() for a in (0.0, 0.5, 2.0)]
    assert spreads[0] < spreads[1] < spreads[2]


def test_spread_starts_from_one_particle():
    method = Method("euler", spread=Spread(1.5, "random"))
    out = run(method, 6)
    assert len(torch.unique(out, dim=0)) == 6
    whole = Method("euler", spread=Spread(100.0, "random"))
    assert run(whole, 6).var(0).mean() > out.var(0).mean()  # spread later, spread less
    seen = []
    run(method, 6, hooks=Hooks(edit_latent=lambda x, sigma, level: seen.append((sigma, len(x))) or x))
    assert {n for sigma, n in seen if sigma > 1.4806} == {1} and {n for sigma, n in seen if sigma < 1.48} == {6}
    with pytest.raises(BadInput, match=r"spread: no noise level within sigma 0.0 .. 0.01"):
        run(Method("euler", spread=Spread(0.01, "random")), 2)


def test_hooks_edit_latents_and_x0():
    doubled = run(PLAIN, 3, hooks=Hooks(edit_latent=lambda x, sigma, level: 2 * x if level == 0 else x))
    assert torch.allclose(doubled, 2 * run(PLAIN, 3))
    pinned = run(PLAIN, 3, hooks=Hooks(edit_x0=lambda x, x0, sigma, level: torch.ones_like(x0)))
    assert torch.allclose(pinned, torch.ones(3, 2, dtype=torch.float64))


def test_a_value_that_is_not_finite_names_set_particle_and_level():
    def broken(x, sigma):
        x0 = x.clone()
        if sigma < 3:
            x0[2] = float("nan")
        return x0

    with pytest.raises(FloatingPointError, match=r"test: particle 2 is not finite after level 7 \(sigma 2.557\)"):
        run(PLAIN, 4, denoise=broken)


def test_no_particles():
    with pytest.raises(BadInput, match="at least one particle"):
        sample(gaussian(1.0), SIGMAS, PLAIN, lambda p: torch.zeros(0, 2), Context(0), "test")


# Two-dimensional ground truth


def test_the_mixture_s_score_is_the_gradient_of_its_density():
    mixture, x = ring(5), noise_of(6)("x").requires_grad_()
    sigma = 0.8
    log_p = mixture.log_terms(x, sigma).logsumexp(1)  # all terms share one normaliser
    (expected,) = torch.autograd.grad(log_p.sum(), x)
    assert torch.allclose(mixture.score(x.detach(), sigma), expected, rtol=1e-9)


def test_one_mode_is_a_gaussian():
    mixture = GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), 1.5, torch.ones(1, dtype=torch.float64))
    x = noise_of(4)("x")
    assert torch.allclose(mixture.denoise(x, 2.0), gaussian(1.5)(x, 2.0))


def test_plain_samples_follow_the_weights_and_repelled_ones_cover_the_modes():
    mixture, n = ring(8), 16
    plain = run(PLAIN, n, denoise=mixture.denoise)
    assert (mixture.nearest_mode(plain) == 0).float().mean().item() == pytest.approx(32 / 39, abs=0.15)

    def spread(strength: float) -> torch.Tensor:
        row = repelled(0.0, strength=Strength("relative", strength), sigma_min=0.95)
        return run(row, n, denoise=mixture.denoise)

    assert mixture.covered_modes(plain, 3.0) == 3 and mixture.covered_modes(spread(0.3), 3.0) == 8
    # nothing is left between the modes: repulsion ends at sigma 0.95, the score has the last word
    assert (torch.cdist(spread(0.3), mixture.means).amin(1) < 3 * 0.2).all()
    # and too much of it leaves the distribution
    assert mixture.covered_modes(spread(1.5), 3.0) == 0


def test_covered_modes_by_hand():
    mixture = ring(8)
    assert mixture.covered_modes(mixture.means[:3], 0.1) == 3
    assert mixture.covered_modes(mixture.means + 0.5, 3.0) == 0  # 0.71 away, 3 standard deviations are 0.6


# Rows


def test_every_row_of_the_file_is_valid_and_the_thesis_is_there():
    methods = load_methods(METHODS_FILE)
    thesis = ["plain", "ancestral", "langevin", "latent", "channel_average", "rule_of_thirds", "random_cnn"]
    assert {*thesis, "style_classifier", "style_classifier_thirds"} <= set(methods)


@pytest.mark.parametrize(
    "row,message",
    [
        ("{predict: leap}", "mine: predict: unknown prediction step 'leap'; expected one of euler"),
        ("{predict: euler, correct: {step: hop}}", "mine: correct: step: unknown correction step 'hop'"),
        ("{predict: euler, correct: {step: random, levels: [3, 20]}}", "mine: correct: unknown key 'levels'; expected sigma_min"),
        ("{predict: euler, correct: {step: random, sigma_min: -1}}", "mine: correct: sigma_min: expected at least 0"),
        ("{predict: euler, correct: {step: random, sigma_min: 3, sigma_max: 2}}", "mine: correct: sigma_min: expected at most sigma_max"),
        ("{predict: euler, correct: {step: random, sigma_max: .inf}}", "mine: correct: sigma_max: expected a finite number, got inf"),
        ("{correct: {step: random}}", "mine: missing key 'predict'; got correct"),
        ("{predict: euler, repel: {energy: rbf}}", "mine: repel: expected a list, got"),
        ("{predict: euler, repel: []}", "mine: repel: expected a list of at least 1"),
        ("{predict: euler, guidance: {scale: 0.5}}", "mine: guidance: scale: expected at least 1.*, got 0.5"),
        ("{predict: euler, anneal: {first: 0.9, last: 0.6, noise: 0.1}}", "mine: anneal: expected first < last"),
        ("{predict: euler, anneal: {first: 0.5, last: 0.6, noise: -1}}", "mine: anneal: noise: expected at least 0.*, got -1"),
        ("{predict: euler, select: {candidates: 0, space: latent}}", "mine: select: candidates: expected at least 1, got 0"),
        ("{predict: euler, select: {candidates: 1000000, space: latent}}", "mine: select: candidates: expected at most 100, got 1000000"),
        ("{predict: euler, repel: [{energy: rbf, space: latent, input: noisy, strength: {kind: relative, value: .nan}, bandwidth: median}]}", r"mine: repel\[0\]: strength: value: expected a finite number, got nan"),
        ("{predict: euler, repel: [{energy: rbf, space: latent, input: noisy, strength: {kind: relative, value: -1}, bandwidth: median}]}", r"mine: repel\[0\]: strength: value: expected at least 0"),
        ("{predict: euler, repel: [{energy: rbf, space: latent, input: noisy, strength: {kind: sum, value: 1}, bandwidth: median}]}", "mine: repel\[0\]: strength: kind: unknown strength kind 'sum'; expected one of alpha"),
        ("{predict: euler, select: {candidates: 2, space: colour}}", "mine: select: space: unknown space 'colour'"),
        ("{predict: euler, speed: 3}", "mine: unknown key 'speed'"),
        ("{predict: euler, repel: [{energy: rbf, space: latent, input: noisy, strength: {kind: relative, value: 1}, bandwidth: median, speed: 3}]}", r"mine: repel\[0\]: unknown key 'speed'; expected .*energy"),
        ("{predict: euler, repel: [strong]}", r"mine: repel\[0\]: expected a mapping, got 'strong'"),
        ("3", "mine: expected a mapping, got 3"),
    ],
)  # fmt: skip
def test_bad_rows_are_named(tmp_path, row, message):
    (tmp_path / "methods.yaml").write_text(f"mine: {row}\n")
    with pytest.raises(BadInput, match=message) as raised:
        load_methods(tmp_path / "methods.yaml")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text,message",
    [
        ("plain: {predict: euler}\nplain: {predict: heun}\n", "line 2: found duplicate key \"plain\"; expected every key once"),
        ("1: {predict: euler}\n", "expected names of methods that are texts, got 1"),
        ("a b: {predict: euler}\n", "method: expected letters, digits"),
        ("CON: {predict: euler}\n", "'CON' is the name of a device on Windows"),
        ("latent: {predict: euler}\nLatent: {predict: heun}\n", "'latent' and 'Latent' differ in upper and lower case only"),
        ("plain:\t{predict: euler}\n", "not YAML"),
        ("plain: !!python/object:os.system {predict: euler}\n", "not YAML"),
        ("[plain]\n", "expected a mapping of method names to rows"),
        ("", "expected a mapping of method names to rows, got None"),
    ],
)  # fmt: skip
def test_bad_methods_files_are_one_line(tmp_path, text, message):
    (tmp_path / "methods.yaml").write_text(text)
    with pytest.raises(BadInput, match=message) as raised:
        load_methods(tmp_path / "methods.yaml")
    assert "\n" not in str(raised.value)


def test_a_call_of_one_row_validates_that_row_alone(tmp_path):
    (tmp_path / "methods.yaml").write_text("plain: {predict: euler}\nother: {predict: leap}\n", encoding="utf-8")
    assert load_method("plain", tmp_path / "methods.yaml") == PLAIN
    with pytest.raises(BadInput, match="other: predict: unknown prediction step"):
        load_method("other", tmp_path / "methods.yaml")


def test_a_new_cell_of_the_grid_changes_no_python(tmp_path):
    (tmp_path / "methods.yaml").write_text(
        "mine: {predict: heun, correct: {step: random, sigma_min: 6, sigma_max: 9}, repel: [{energy: dpp, space: mean, "
        "input: x0, sigma_min: 2.5, sigma_max: 11, strength: {kind: relative, value: 0.1}, bandwidth: row_median}]}\n"
    )
    (method,) = load_methods(tmp_path / "methods.yaml").values()
    assert torch.isfinite(run(method, 4, shape=(4, 8, 8))).all()
