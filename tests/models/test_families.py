"""Every family against diffusers' own call of a tiny pipeline of its classes, and what it must refuse."""

import math

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
)
from families import SCHEDULER, TINY, flux, stable_diffusion_3, tiny
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from repulsion.core.errors import BadInput
from repulsion.diffusion.denoiser import Denoiser
from repulsion.diffusion.families.family import Family
from repulsion.diffusion.families.flux import packed, patch_ids, unpacked
from repulsion.diffusion.families.registry import FAMILIES, family_of
from repulsion.diffusion.predictions import flow_sigma, flow_state, flow_time, x0_from_velocity
from repulsion.forces.embeddings import SPACES, Context
from repulsion.forces.repulsion import Repulsion, Strength
from repulsion.sampling import particles
from repulsion.sampling.conditions import Anneal, Guidance
from repulsion.sampling.methods import PLAIN, Method
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.repel import repel
from repulsion.sampling.request import SetRequest
from repulsion.sampling.sampler import Hooks, sample
from repulsion.tensors.noise import particle_noise

PROMPT, LEVELS, SIZE = "a painting of a vase", 5, (64, 64)
FLOWS = ("stable_diffusion_3", "flux", "flux_schnell")
GUIDED = ("stable_diffusion", "stable_diffusion_xl", "stable_diffusion_3", "pixart_sigma")


def row(space: str, given: str = "noisy", strength: float = 0.3) -> Method:
    return Method("euler", repel=(Repulsion("rbf", space, given, Strength("relative", strength), "median"),))


def request(family: Family, **values) -> SetRequest:
    named = {"texts": PROMPT, "seed": 0, "prompt_id": "vase", "schedule": "pipeline", "levels": LEVELS}
    named |= {"guidance_scale": family.guidance_scale, "batch": 64, "gradient_batch": 64, "decode_batch": 64}
    return SetRequest(**(named | {"name": "test"} | values))


def ours(pipe, method: Method = PLAIN, n: int = 2, **values) -> torch.Tensor:
    return sample_particles(pipe, method, request(family_of(pipe), **values), list(range(n))).x0


def theirs(pipe, n: int = 2, guidance: float | None = None, size: tuple[int, int] = SIZE, **options) -> torch.Tensor:
    """diffusers' own call with its own scheduler, from the same latents."""
    family = family_of(pipe)
    start = particle_noise(0, "vase", list(range(n)), "start", family.latent_shape(size)).to(family.network.dtype)
    if "FlowMatch" not in type(pipe.scheduler).__name__:  # the pipeline multiplies by a number of its own
        pipe.scheduler.set_timesteps(LEVELS)
        start = start * (family.sigmas("pipeline", LEVELS, size)[0] / pipe.scheduler.init_noise_sigma).item()
    packs = type(pipe).__name__ == "FluxPipeline"
    if family.guidance == "none":
        options |= {"max_sequence_length": 256}
    if type(pipe).__name__ == "PixArtSigmaPipeline":
        options |= {"use_resolution_binning": False}
    out = pipe(
        [PROMPT] * n,
        num_inference_steps=LEVELS,
        guidance_scale=family.guidance_scale if guidance is None else guidance,
        latents=packed(start) if packs else start,
        height=size[0],
        width=size[1],
        output_type="latent",
        **options,
    ).images
    return unpacked(out, size[0] // 8, size[1] // 8) if packs else out


def assert_same(x: torch.Tensor, y: torch.Tensor, share: float = 2e-4) -> None:
    assert x.shape == y.shape and (x - y).abs().max() <= share * y.abs().max()


# Closed form


def test_flow_time_and_sigma():
    assert [flow_sigma(t) for t in (0.0, 0.5, 0.9, 1.0)] == pytest.approx([0, 1, 9, math.inf])
    assert all(flow_time(flow_sigma(t)) == pytest.approx(t) for t in (0.0, 0.3, 0.999, 1.0))


@pytest.mark.parametrize("t", [0.1, 0.5, 0.99, 1.0])
def test_x0_from_velocity_is_the_x0_that_made_x(t):
    x0, eps = torch.randn(2, 3, 4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sigma, x_t = flow_sigma(t), (1 - t) * x0 + t * eps
    x = eps if math.isinf(sigma) else x0 + sigma * eps
    assert torch.allclose(flow_state(x, sigma), x_t) and torch.allclose(x0_from_velocity(x, eps - x0, sigma), x0)


def test_packing_is_diffusers_and_back():
    from diffusers import FluxPipeline

    x = torch.randn(2, 16, 4, 6)
    assert torch.equal(packed(x), FluxPipeline._pack_latents(x, 2, 16, 4, 6)) and torch.equal(
        unpacked(packed(x), 4, 6), x
    )
    ids = FluxPipeline._prepare_latent_image_ids(2, 2, 3, torch.device("cpu"), torch.float32)
    assert torch.equal(patch_ids(2, 3), ids)


# Against diffusers' own call


@pytest.mark.parametrize("name", TINY)
def test_plain_is_the_pipeline_s_own_call(name):
    pipe = tiny(name)
    assert_same(ours(pipe, schedule="pipeline" if name != "stable_diffusion" else "linspace"), reference(pipe, name))


def reference(pipe, name: str, **options) -> torch.Tensor:
    """Stable Diffusion 2's own scheduler is no Euler: another of the same configuration."""
    if name != "stable_diffusion":
        return theirs(pipe, **options)
    before = pipe.scheduler
    pipe.scheduler = EulerDiscreteScheduler.from_config(dict(before.config) | {"timestep_spacing": "linspace"})
    out = theirs(pipe, **options)
    pipe.scheduler = before
    return out


@pytest.mark.parametrize("name", GUIDED)
def test_without_guidance_and_with_a_negative_prompt(name):
    pipe = tiny(name)
    if name == "stable_diffusion":
        pipe.scheduler = EulerDiscreteScheduler.from_config(
            dict(pipe.scheduler.config) | {"timestep_spacing": "linspace"}
        )
    assert_same(ours(pipe, guidance_scale=1.0), theirs(pipe, guidance=1.0))
    negative = "a photo"
    theirs_ = theirs(pipe, negative_prompt=negative if name == "pixart_sigma" else [negative] * 2)
    assert_same(ours(pipe, negative_prompt=negative), theirs_)
    assert not torch.allclose(theirs_, theirs(pipe))


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("size", [(64, 128), (96, 64)])
def test_other_sizes(name, size):
    pipe = tiny(name)
    if name == "stable_diffusion":
        pipe.scheduler = EulerDiscreteScheduler.from_config(
            dict(pipe.scheduler.config) | {"timestep_spacing": "linspace"}
        )
    found = ours(pipe, height=size[0], width=size[1])
    assert found.shape[-2:] == (size[0] // 8, size[1] // 8)
    assert_same(found, theirs(pipe, size=size))


@pytest.mark.parametrize("name", TINY)
def test_images_are_those_of_the_pipeline(name):
    pipe = tiny(name)
    x0 = torch.randn(2, *family_of(pipe).latent_shape((None, None)), generator=torch.Generator().manual_seed(0))
    config = pipe.vae.config
    latents = x0 / config.scaling_factor + (config.shift_factor or 0)
    assert torch.allclose(family_of(pipe).decode(x0), pipe.vae.decode(latents, return_dict=False)[0], atol=1e-6)


@pytest.mark.parametrize("name", TINY)
def test_half_precision(name):
    pipe = tiny(name, torch.bfloat16)
    images = repel(pipe, PROMPT, row("latent"), n=2, seed=0, levels=3)
    assert images.shape == (2, 3, 64, 64) and not torch.equal(images[0], images[1])


def test_a_decoder_that_overflows_is_float32_meanwhile():
    pipe = tiny("stable_diffusion_xl", torch.float16)
    assert pipe.vae.config.force_upcast
    repel(pipe, PROMPT, row("decoded_average"), n=2, seed=0, levels=2)
    assert pipe.vae.dtype == torch.float16  # the pipeline's own call finds it as it was
    with family_of(pipe).decoding():
        assert pipe.vae.dtype == torch.float32
    with family_of(tiny("stable_diffusion", torch.float16)).decoding():
        assert tiny("stable_diffusion", torch.float16).vae.dtype == torch.float16


@pytest.mark.parametrize("name", TINY)
def test_offloaded_parts(name):
    pipe = tiny(name)
    expected = ours(pipe, row("latent"))
    pipe.enable_model_cpu_offload(device="cpu")
    assert hasattr(family_of(pipe).network, "_hf_hook") and torch.equal(ours(pipe, row("latent")), expected)


# The method


@pytest.mark.parametrize("name", TINY)
def test_strength_zero_is_plain_bit_for_bit(name):
    pipe = tiny(name)
    assert torch.equal(ours(pipe, row("latent", strength=0.0), n=3), ours(pipe, n=3))
    assert not torch.allclose(ours(pipe, row("latent"), n=3), ours(pipe, n=3))


@pytest.mark.parametrize("name", TINY)
def test_one_particle_is_plain(name):
    pipe = tiny(name)
    assert torch.equal(ours(pipe, row("latent"), n=1), ours(pipe, n=1))


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize(
    "cell", [("channel_average", "noisy"), ("centre_of_mass", "denoised"), ("decoded_average", "x0")]
)
def test_a_space_moves_every_particle(name, cell):
    pipe = tiny(name)
    moved = (ours(pipe, row(*cell), n=3) - ours(pipe, n=3)).flatten(1).abs().amax(1)
    assert torch.isfinite(moved).all() and (moved > 0).all()


@pytest.mark.parametrize("space", [space for space in SPACES if not space.startswith("style")])
def test_every_space_takes_sixteen_channels_that_are_not_square(space):
    pipe, size = tiny("stable_diffusion_3"), {"height": 64, "width": 96}
    assert not torch.allclose(ours(pipe, row(space), n=3, **size), ours(pipe, n=3, **size))


@pytest.mark.parametrize("name", TINY)
def test_the_gradient_through_the_network_is_the_jacobian_s(name):
    """One backward pass for all particles against finite differences of one."""
    pipe = tiny(name)
    family, sigma = family_of(pipe), 2.0
    x = torch.randn(2, *family.latent_shape((None, None)), generator=torch.Generator().manual_seed(0))
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    denoise = Denoiser(pipe, PROMPT, family.guidance_scale, 64)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((denoise(leaf, sigma) * weights).sum(), leaf)
    for k in range(2):  # no particle sees another
        one = x[k : k + 1].clone().requires_grad_()
        (alone,) = torch.autograd.grad((denoise(one, sigma) * weights[k]).sum(), one)
        assert torch.allclose(alone[0], gradient[k], rtol=1e-3, atol=1e-4 * gradient.abs().max().item())
    direction, h = torch.randn(x.shape, generator=torch.Generator().manual_seed(2)), 1e-2
    with torch.no_grad():
        ahead, behind = ((denoise(x + s * h * direction, sigma) * weights).sum() for s in (1, -1))
    assert ((gradient * direction).sum() - (ahead - behind) / (2 * h)).abs() <= 0.01 * (
        gradient * direction
    ).abs().sum()


@pytest.mark.parametrize("name", TINY)
def test_an_annealed_condition_of_every_family(name, monkeypatch):
    pipe = tiny(name)
    given, denoiser = [], particles.Denoiser

    def noticed(*args, edit_condition, **options):
        def edit(condition, sigma):
            edited = edit_condition(condition, sigma)
            given.append({key for key in condition if not torch.equal(edited[key], condition[key])})
            return edited

        return denoiser(*args, edit_condition=edit, **options)

    with monkeypatch.context() as patch:
        patch.setattr(particles, "Denoiser", noticed)
        ours(pipe, Method("euler", anneal=Anneal(0.1, 0.2, 0.25)))
    assert given[0] == {"prompt"} | ({"pooled"} if "pixart" not in name and name != "stable_diffusion" else set())
    method = Method("euler", anneal=Anneal(0.1, 0.2, 0.25))  # noise alone until late
    assert not torch.allclose(ours(pipe, method), ours(pipe))
    seen: list[dict[str, torch.Tensor]] = []
    told = Denoiser(pipe, PROMPT, 1.0, 64, edit_condition=lambda c, sigma: seen.append(dict(c)) or c)
    with torch.no_grad():
        told(torch.zeros(2, *family_of(pipe).latent_shape((None, None))), 1.0)
    assert set(seen[0]) >= {"prompt"} and all(len(value) == 2 for value in seen[0].values())


@pytest.mark.parametrize("name", ["stable_diffusion_xl", "stable_diffusion_3", "flux"])
def test_a_lora_loaded_by_diffusers_own_call_is_sampled_with(name, tmp_path):
    pipe = tiny(name)
    before = ours(pipe)
    network = family_of(pipe).network
    network.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    layers = get_peft_model_state_dict(network)
    network.delete_adapters("default")
    part = {"unet": "unet_lora_layers", "transformer": "transformer_lora_layers"}[family_of(pipe).part]
    type(pipe).save_lora_weights(tmp_path, **{part: layers})
    pipe.load_lora_weights(tmp_path)
    assert_same(ours(pipe), theirs(pipe))
    assert not torch.allclose(ours(pipe), before)
    pipe.unload_lora_weights()
    assert torch.equal(ours(pipe), before)


def test_both_tokenizers_are_cut_where_their_encoders_end():
    pipe, long = tiny("stable_diffusion_xl"), ", ".join([PROMPT] * 40)
    for tokenizer in (pipe.tokenizer, pipe.tokenizer_2):
        tokenizer.model_max_length = int(1e30)  # as one that does not say
    assert torch.isfinite(ours(pipe, texts=long)).all() and pipe.tokenizer_2.model_max_length == int(1e30)


# Noise levels


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_starts_at_infinity(name):
    pipe = tiny(name)
    for schedule in ("pipeline", "linspace"):
        sigmas = family_of(pipe).sigmas(schedule, LEVELS, SIZE)
        assert math.isinf(sigmas[0]) and len(sigmas) == LEVELS + 1 and sigmas[-1] == 0 and (sigmas.diff() < 0).all()
    with pytest.raises(
        BadInput, match="schedule karras needs a highest finite sigma; expected one of pipeline, linspace"
    ):
        family_of(pipe).sigmas("karras", LEVELS, SIZE)


@pytest.mark.parametrize("predict", ["euler", "ancestral", "heun"])
def test_the_step_from_infinity_is_euler_s_in_every_row(predict):
    """x there is eps, and x0 + sigma_next eps after it."""
    x, sigmas = torch.randn(2, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([math.inf, 3.0, 0.0])
    seen = []
    sample(
        lambda x, sigma: 0.5 * x,
        sigmas.double(),
        Method(predict, repel=row("latent").repel),
        lambda purpose: x,
        Context(0),
        "test",
        Hooks(after_level=lambda x, levels: seen.append(x)),
    )
    assert torch.allclose(seen[0], 0.5 * x + 3 * x)


def test_a_static_shift_is_a_factor_of_sigma():
    plain, shifted = (family_of(stable_diffusion_3(shift=s)).sigmas("linspace", 9, SIZE) for s in (1.0, 3.0))
    assert torch.allclose(shifted[1:-1], 3 * plain[1:-1], rtol=1e-4)


def test_a_shift_that_a_caller_set_is_kept():
    pipe = stable_diffusion_3(shift=1.0)
    pipe.scheduler.set_shift(3.0)
    shifted = family_of(pipe).sigmas("linspace", 9, SIZE)
    assert torch.allclose(shifted, family_of(stable_diffusion_3(shift=3.0)).sigmas("linspace", 9, SIZE))


def test_a_dynamic_shift_grows_with_the_image():
    family = family_of(flux())
    small, large = (family.sigmas("pipeline", 9, size)[1:-1] for size in ((256, 256), (1024, 1024)))
    assert torch.allclose(
        large / small, torch.tensor(math.exp(family.mu((1024, 1024)) - family.mu((256, 256)))).double()
    )
    assert family.mu((1024, 1024)) == pytest.approx(1.15) and family.mu((256, 256)) == pytest.approx(0.5)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_the_levels_of_an_euler_scheduler(spacing):
    pipe = tiny("stable_diffusion_xl")
    pipe.scheduler = EulerDiscreteScheduler.from_config(dict(pipe.scheduler.config) | {"timestep_spacing": spacing})
    assert_same(ours(pipe), theirs(pipe))


def test_the_levels_of_a_scheduler_without_sigmas():
    pipe = tiny("pixart_sigma")
    expected = family_of(pipe).sigmas("pipeline", LEVELS, SIZE)
    pipe.scheduler = DDIMScheduler(**SCHEDULER, timestep_spacing="linspace")  # Euler's timesteps, but for rounding
    assert torch.allclose(family_of(pipe).sigmas("pipeline", LEVELS, SIZE), expected, rtol=5e-3)


def test_few_steps():
    """A row acts between noise levels, not step numbers."""
    pipe = tiny("flux_schnell")
    assert repel(pipe, PROMPT, "channel_average", n=2, seed=0, levels=2, schedule="pipeline").shape == (2, 3, 64, 64)
    with pytest.raises(BadInput, match=r"repel\[0\]: no noise level within sigma 0.0 .. inf; none is finite"):
        repel(pipe, PROMPT, row("latent"), n=2, seed=0, levels=1, schedule="pipeline")
    guided = repel(tiny("flux"), PROMPT, "less_guidance", n=1, seed=0, levels=1, schedule="pipeline")
    assert guided.shape == (1, 3, 64, 64)
    one = repel(pipe, PROMPT, "plain", n=2, seed=0, levels=1, schedule="pipeline")
    assert not torch.equal(one[0], one[1])


# What is refused


@pytest.mark.parametrize(
    "name,method,values,message",
    [
        (
            "flux",
            Method("euler", guidance=Guidance(3.0, sigma_min=1.0)),
            {},
            "a guidance interval needs a pass without",
        ),
        ("flux", Method("euler", guidance=Guidance(3.0, parallel=0.5)), {}, "projected guidance needs a pass without"),
        ("flux_schnell", Method("euler", guidance=Guidance(3.0)), {}, "without guidance takes no guidance scale"),
        ("flux_schnell", PLAIN, {"guidance_scale": 3.5}, r"takes no guidance scale \(1 means none\), got 3.5"),
        ("flux", PLAIN, {"negative_prompt": "a photo"}, "has no pass for a negative prompt"),
        ("flux", PLAIN, {"height": 72, "width": 64}, "height: expected a multiple of 16 pixels"),
        ("stable_diffusion_3", PLAIN, {"height": 64}, "width: expected a multiple of 16 pixels .*, got None"),
        ("stable_diffusion_xl", PLAIN, {"schedule": "cosine"}, "unknown schedule 'cosine'; expected one of linspace"),
    ],
)
def test_what_a_family_cannot_do_is_one_line(name, method, values, message):
    with pytest.raises(BadInput, match=message) as raised:
        repel(tiny(name), PROMPT, method, n=2, seed=0, levels=3, **values)
    assert "\n" not in str(raised.value)


def test_a_lower_embedded_guidance_is_a_row():
    pipe = tiny("flux")
    lower = ours(pipe, Method("euler", guidance=Guidance(1.5)))
    assert_same(lower, theirs(pipe, guidance=1.5))


@pytest.mark.parametrize(
    "name,break_it,message",
    [
        ("stable_diffusion_xl", lambda p: p.unet.register_to_config(addition_embed_type=None), "addition_embed_type"),
        (
            "stable_diffusion_3",
            lambda p: p.transformer.register_to_config(out_channels=4),
            "out_channels is 4, expected 16",
        ),
        ("flux", lambda p: p.transformer.register_to_config(in_channels=16), "in_channels is 16, expected 64"),
        ("pixart_sigma", lambda p: p.transformer.register_to_config(out_channels=5), "channels are 4 -> 5"),
    ],
)
def test_parts_that_do_not_fit_are_one_line(name, break_it, message):
    pipe = tiny(name)
    break_it(pipe)
    with pytest.raises(BadInput, match=message):
        repel(pipe, PROMPT, "plain", n=1, seed=0, levels=2)


@pytest.mark.parametrize(
    "scheduler,message",
    [
        (FlowMatchHeunDiscreteScheduler(), "scheduler FlowMatchHeunDiscreteScheduler; supported: FlowMatchEuler"),
        (FlowMatchEulerDiscreteScheduler(invert_sigmas=True), "invert_sigmas is true"),
    ],
)
def test_other_schedulers_of_flows_are_one_line(scheduler, message):
    pipe = tiny("stable_diffusion_3")
    pipe.scheduler = scheduler
    with pytest.raises(BadInput, match=message):
        repel(pipe, PROMPT, "plain", n=1, seed=0, levels=2)


def test_every_row_of_the_registry_has_a_tiny_pipeline():
    assert {type(tiny(name)).__name__ for name in TINY} == set(FAMILIES)
