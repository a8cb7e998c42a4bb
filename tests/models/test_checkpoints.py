"""Checkpoints as people have them: what diffusers samples from is sampled here as there, and the rest is one line."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from stand_ins import words

from pipeline.machine.stand_in import SMALL, random_pipeline
from pipeline.profile.sections import SamplingParams
from pipeline.sampling.passes import passes
from repulsion.core.errors import BadInput
from repulsion.diffusion.denoiser import Denoiser
from repulsion.diffusion.families.family import truncated_texts
from repulsion.diffusion.families.registry import FAMILIES, family_of
from repulsion.diffusion.levels import LEAST_ABAR, noise_levels, sigma_table
from repulsion.diffusion.model import load_pipeline, load_scheduler, load_tokenizers, sample_plain
from repulsion.diffusion.model_folder import check_folder, weight_files
from repulsion.forces.embeddings import SPACES
from repulsion.forces.repulsion import Repulsion, Strength
from repulsion.sampling.conditions import Anneal
from repulsion.sampling.methods import PLAIN, Method, Spread
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.repel import repel
from repulsion.sampling.request import SetRequest
from repulsion.tensors.noise import particle_noise
from repulsion.tensors.weights import count_parameters

PROMPT, LEVELS = "painting of a beautiful vase of flowers", 5
THROUGH = Method("euler", repel=(Repulsion("rbf", "centre_of_mass", "denoised", Strength("relative", 0.2), "median"),))


def pipeline(unet: dict | None = None, **scheduler) -> StableDiffusionPipeline:
    """A small Stable Diffusion 2 with other values in its UNet's or its scheduler's configuration."""
    shape = SMALL | {"unet": SMALL["unet"] | (unet or {}), "scheduler": SMALL["scheduler"] | scheduler}
    return random_pipeline(shape, words(), torch.float32, "cpu", 0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    pipeline().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    """An ordinary model's folder, which a test may break."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def ours(pipe, prompt: str = PROMPT, height: int | None = None, width: int | None = None, guidance: float = 8.0):
    q = SetRequest(prompt, 0, "vase", "linspace", LEVELS, guidance, 64, 64, 64, "test", height, width)
    return sample_particles(pipe, PLAIN, q, [0, 1], None)


def theirs(pipe, prompt: str = PROMPT, guidance: float = 8.0, **size) -> torch.Tensor:
    """diffusers' own call, by its Euler scheduler at the same noise levels."""
    shape = size.get("height"), size.get("width")
    before = pipe.scheduler
    config = dict(before.config) | {"timestep_spacing": "linspace"}
    pipe.scheduler = EulerDiscreteScheduler.from_config(config)
    start = particle_noise(0, "vase", [0, 1], "start", family_of(pipe).latent_shape(shape))
    options = {"num_inference_steps": LEVELS, "guidance_scale": guidance, "latents": start, "output_type": "latent"}
    out = pipe([prompt] * 2, **options, **size).images
    pipe.scheduler = before
    return out


def assert_same(x: torch.Tensor, y: torch.Tensor) -> None:
    # float32 at the noisiest level's sigma, 14.6 or 4096: a relative error of 1e-7 of it
    assert x.shape == y.shape and (x - y).abs().max() <= 2e-3 * y.abs().max()


def test_the_ordinary_one():
    pipe = pipeline()
    assert_same(ours(pipe).x0, theirs(pipe))


# Schedulers


def test_zero_terminal_snr():
    """abar ends with 0, where sigma would be infinite: diffusers' Euler scheduler puts 2^-24 there."""
    pipe = pipeline(prediction_type="v_prediction")
    pipe.scheduler = DDIMScheduler.from_config(dict(pipe.scheduler.config) | {"rescale_betas_zero_snr": True})
    assert pipe.scheduler.alphas_cumprod[-1] == 0
    sigmas = noise_levels("linspace", sigma_table(pipe.scheduler.alphas_cumprod), LEVELS)
    assert sigmas[0].item() == pytest.approx((1 / LEAST_ABAR - 1) ** 0.5)
    assert_same(ours(pipe).x0, theirs(pipe))
    images = repel(pipe, PROMPT, "channel_average", n=3, seed=0, levels=LEVELS)
    assert images.float().std() > 0 and not torch.equal(images[0], images[1])


def test_levels_on_another_device_than_the_latents():
    class Elsewhere(torch.Tensor):
        """A tensor that takes part in nothing until it is on the CPU."""

        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            if function is torch.Tensor.cpu:
                return args[0].as_subclass(torch.Tensor)
            if function.__name__ != "__get__":  # its shape and number format may be looked at
                raise RuntimeError("Expected all tensors to be on the same device")
            return super().__torch_function__(function, types, args, kwargs)

    pipe = pipeline()
    expected = ours(pipe).x0
    pipe.scheduler.alphas_cumprod = pipe.scheduler.alphas_cumprod.as_subclass(Elsewhere)
    assert torch.equal(ours(pipe).x0, expected)


def test_a_cosine_schedule_keeps_its_own_last_level():
    """Which is far above 4096, and finite: nothing is put in its place."""
    pipe = pipeline(beta_schedule="squaredcos_cap_v2")
    table = sigma_table(pipe.scheduler.alphas_cumprod)
    assert table[-1] > 10_000 and torch.isfinite(table).all()
    assert_same(ours(pipe).x0, theirs(pipe))


@pytest.mark.parametrize("values", [{"num_train_timesteps": 1}, {"beta_start": 1.5, "beta_end": 2.0}])
def test_schedulers_whose_noise_does_not_rise_are_one_line(folder, values):
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")
    with pytest.raises(BadInput, match="part 'scheduler'") as raised:
        load_scheduler(folder)
    assert "\n" not in str(raised.value)


def test_schedulers_without_noise_levels_are_named(tmp_path):
    pipe = pipeline()
    pipe.save_pretrained(tmp_path)
    pipe.scheduler = FlowMatchEulerDiscreteScheduler()
    with pytest.raises(
        BadInput, match="pipe: scheduler FlowMatchEulerDiscreteScheduler has no alphas_cumprod; supported"
    ):
        repel(pipe, PROMPT, "plain", n=1, seed=0)
    index = json.loads((tmp_path / "model_index.json").read_text())
    (tmp_path / "model_index.json").write_text(
        json.dumps(index | {"scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"]})
    )
    for load in (load_scheduler, lambda folder: load_pipeline(folder, "cpu")):
        with pytest.raises(BadInput, match="part 'scheduler' FlowMatchEulerDiscreteScheduler has no alphas_cumprod"):
            load(tmp_path)
    (tmp_path / "model_index.json").write_text(json.dumps(index | {"scheduler": ["diffusers", "NoScheduler"]}))
    with pytest.raises(BadInput, match="diffusers has no scheduler NoScheduler"):
        load_scheduler(tmp_path)


@pytest.mark.parametrize("entry", [None, "EulerDiscreteScheduler", ["diffusers"], ["a", "b", "c"], [1, 2]])
@pytest.mark.parametrize("part", ["scheduler", "tokenizer"])
def test_an_index_that_names_no_class_is_one_line(folder, part, entry):
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {part: entry}), encoding="utf-8")
    with pytest.raises(BadInput, match=rf"model_index.json: part '{part}': expected \[library, class\], got"):
        check_folder(folder)


# Sizes


def test_a_size_of_two_numbers():
    pipe = pipeline({"sample_size": [8, 16]})
    assert_same(ours(pipe).x0, theirs(pipe))
    assert repel(pipe, PROMPT, "plain", n=2, seed=0, levels=3).shape == (2, 3, 64, 128)


@pytest.mark.parametrize("space", [s for s in SPACES if not s.startswith("style")])
def test_every_space_takes_latents_that_are_not_square(space):
    pipe = pipeline({"sample_size": [8, 16]})
    row = Method("euler", repel=(Repulsion("rbf", space, "noisy", Strength("relative", 0.3), "median"),))
    images = repel(pipe, PROMPT, row, n=3, seed=0, levels=3)
    assert images.shape == (3, 3, 64, 128) and not torch.equal(
        images, repel(pipe, PROMPT, "plain", n=3, seed=0, levels=3)
    )


def test_no_size_in_the_configuration():
    pipe = pipeline({"sample_size": None})
    with pytest.raises(BadInput, match=r"denoiser sample_size is None; expected a number or \[height, width\]"):
        repel(pipe, PROMPT, "plain", n=1, seed=0)
    assert_same(ours(pipe, height=64, width=128).x0, theirs(pipe, height=64, width=128))
    with pytest.raises(BadInput, match="width: expected a multiple of 8 pixels .*, got 60"):
        repel(pipe, PROMPT, "plain", n=1, seed=0, height=64, width=60)
    with pytest.raises(BadInput, match="width: expected a multiple of 8 pixels .*, got None"):
        repel(pipe, PROMPT, "plain", n=1, seed=0, height=64)


@pytest.mark.parametrize("size", [None, "missing", [8], [8, 0], "8", [8.5, 8]])
def test_a_folder_without_a_size_is_one_line(folder, size):
    path = folder / "unet" / "config.json"
    config = json.loads(path.read_text()) | {"sample_size": size}
    if size == "missing":
        del config["sample_size"]
    path.write_text(json.dumps(config))
    with pytest.raises(BadInput, match="denoiser sample_size is .*; expected a number or") as raised:
        check_folder(folder)
    assert "\n" not in str(raised.value)


# Texts


@pytest.mark.parametrize("length", [int(1e30), 100, 20])
def test_tokenizers_of_any_length(length):
    """Without a length of their own, longer than the text encoder, and shorter."""
    pipe, long = pipeline(), f"{PROMPT}, by {', '.join(['claude monet'] * 40)}"
    pipe.tokenizer.model_max_length = min(length, 77)
    for prompt in (PROMPT, long):
        expected = theirs(pipe, prompt)
        pipe.tokenizer.model_max_length = length
        assert_same(ours(pipe, prompt).x0, expected)
        assert pipe.tokenizer.model_max_length == length  # as it was
        pipe.tokenizer.model_max_length = min(length, 77)


def test_a_tokenizer_s_length_is_restored_after_an_error():
    pipe = pipeline()
    pipe.tokenizer.model_max_length = 1000
    with pytest.raises(RuntimeError), truncated_texts(pipe):
        assert pipe.tokenizer.model_max_length == 77
        raise RuntimeError
    assert pipe.tokenizer.model_max_length == 1000


def test_a_folder_whose_tokenizer_has_no_length(tmp_path):
    pipe = pipeline()
    pipe.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer" / "tokenizer_config.json"
    config = json.loads(path.read_text())
    del config["model_max_length"]
    path.write_text(json.dumps(config))
    loaded = load_pipeline(tmp_path, "cpu")
    assert loaded.tokenizer.model_max_length == load_tokenizers(tmp_path)[0].model_max_length == 77
    assert_same(ours(loaded).x0, theirs(pipe))
    assert sample_plain(loaded, [PROMPT], [0], 8.0, 2, 0).shape == (1, 3, 64, 64)


def test_a_tokenizer_that_is_none_is_one_line(folder):
    (folder / "tokenizer" / "tokenizer.json").write_text("{}")
    for load in (load_tokenizers, lambda folder: load_pipeline(folder, "cpu")):
        with pytest.raises(BadInput, match=f"model {folder}") as raised:
            load(folder)
        assert "\n" not in str(raised.value)


# Files


@pytest.mark.parametrize(
    "options", [{"variant": "fp16"}, {"max_shard_size": "30KB"}, {"variant": "fp16", "max_shard_size": "30KB"}]
)
def test_variants_and_shards(tmp_path, options):
    pipe = pipeline()
    pipe.save_pretrained(tmp_path, **options)
    found = weight_files(tmp_path, "unet")
    assert found.variant == options.get("variant") and (len(found.files) > 1) == ("max_shard_size" in options)
    loaded = load_pipeline(tmp_path, "cpu")
    for part in ("unet", "vae", "text_encoder"):
        network = getattr(pipe, part)
        for name, tensor in getattr(loaded, part).state_dict().items():
            assert torch.equal(tensor, network.state_dict()[name])
        assert count_parameters(weight_files(tmp_path, part).files) == sum(p.numel() for p in network.parameters())
    assert_same(ours(loaded).x0, theirs(pipe))


def test_files_that_leave_a_choice_or_a_gap_are_one_line(tmp_path):
    pipe = pipeline()
    for variant in ("fp16", "bf16"):
        pipe.save_pretrained(tmp_path / "two", variant=variant)
    with pytest.raises(BadInput, match="part 'unet' has weights of the variants bf16, fp16; expected one of them"):
        check_folder(tmp_path / "two")
    pipe.save_pretrained(tmp_path / "two")  # the plain ones come first
    assert weight_files(tmp_path / "two", "unet").variant is None
    pipe.save_pretrained(tmp_path / "shards", max_shard_size="30KB")
    shard = weight_files(tmp_path / "shards", "unet").files[1]
    shard.unlink()
    with pytest.raises(BadInput, match=f"part 'unet' lacks {shard.name}, which its index names"):
        check_folder(tmp_path / "shards")
    index = tmp_path / "shards" / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    for content in ("{}", '{"weight_map": {}}', '{"weight_map": {"a": 1}}'):
        index.write_text(content)
        with pytest.raises(BadInput, match="expected weight_map, a mapping of tensors to files"):
            check_folder(tmp_path / "shards")


# Gradients and guidance


def test_a_method_that_anneals_and_spreads():
    """Until the spread there is one particle, and one condition."""
    row = Method("euler", anneal=Anneal(0.4, 0.9, 0.25), spread=Spread(2.0, "random"))
    images = repel(pipeline(), PROMPT, row, n=3, seed=0, levels=4)
    assert images.shape == (3, 3, 64, 64) and not torch.equal(images[0], images[1])


@pytest.mark.parametrize("method", ["channel_average", THROUGH], ids=["latents", "through the denoiser"])
def test_called_in_inference_mode(method):
    pipe = pipeline()
    expected = repel(pipe, PROMPT, method, n=3, seed=0, levels=3)
    with torch.inference_mode():
        assert torch.equal(repel(pipe, PROMPT, method, n=3, seed=0, levels=3), expected)


def test_a_particle_set_in_inference_mode():
    """The prompt's embedding is made inside too, and a gradient goes back through the denoiser that sees it."""
    pipe, q = pipeline(), SetRequest(PROMPT, 0, "vase", "linspace", LEVELS, 8.0, 64, 64, 64, "test")
    expected = sample_particles(pipe, THROUGH, q, [0, 1], None).x0
    with torch.inference_mode():
        assert torch.equal(sample_particles(pipe, THROUGH, q, [0, 1], None).x0, expected)


def test_a_model_loaded_in_inference_mode():
    with torch.inference_mode():
        pipe = pipeline()
    assert repel(pipe, PROMPT, "channel_average", n=2, seed=0, levels=3).shape == (2, 3, 64, 64)
    with pytest.raises(
        BadInput, match=r"method of your own.*: gradients through a model that was loaded in torch.inference_mode"
    ):
        repel(pipe, PROMPT, THROUGH, n=2, seed=0, levels=3)


@pytest.mark.parametrize("guidance", [1.0, 8.0])
def test_a_guidance_distilled_unet_is_told_the_scale_and_needs_one_pass(guidance):
    pipe = pipeline({"time_cond_proj_dim": 8})
    assert isinstance(pipe.unet, UNet2DConditionModel) and pipe.unet.config.time_cond_proj_dim == 8
    made = ours(pipe, guidance=guidance)
    assert_same(made.x0, theirs(pipe, guidance=guidance))
    assert made.passes == 2 * LEVELS
    assert not torch.allclose(made.x0, ours(pipe, guidance=guidance + 1).x0)
    counted = passes(
        PLAIN,
        SamplingParams("linspace", LEVELS, guidance, 2, 1, 64, 0),
        64,
        family_of(pipe).sigmas("linspace", LEVELS, (None, None)),
        True,
    )
    assert 2 * counted.forward == made.passes


def test_a_distilled_unet_takes_the_scale_of_a_row():
    pipe = pipeline({"time_cond_proj_dim": 8})
    denoise = Denoiser(pipe, PROMPT, 8.0, 64, guidance_weight=lambda sigma: 3.0)
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(denoise(x, 2.0), Denoiser(pipe, PROMPT, 3.0, 64)(x, 2.0))
    assert denoise.passes == 2


# Other pipelines


@pytest.mark.parametrize("name", ["StableDiffusionXLPipeline", "FluxPipeline", "StableDiffusionInpaintPipeline"])
def test_a_folder_of_another_pipeline_is_one_line(folder, name):
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": name}))
    with pytest.raises(BadInput, match=f"pipeline {name}; supported: StableDiffusionPipeline"):
        check_folder(folder)


@pytest.mark.parametrize("name", ["StableDiffusionInpaintPipeline", "FluxFillPipeline", "SanaPipeline"])
def test_another_pipeline_is_one_line_with_the_choices(name):
    with pytest.raises(BadInput, match=f"pipe: pipeline {name}; supported: {', '.join(FAMILIES)}"):
        repel(type(name, (), {})(), PROMPT, "plain", n=1, seed=0)


def test_what_is_made_from_a_supported_class_is_supported():
    class Mine(StableDiffusionPipeline):
        pass

    pipe = pipeline()
    parts = {name: getattr(pipe, name) for name in ("unet", "vae", "text_encoder", "tokenizer", "scheduler")}
    mine = Mine(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    assert repel(mine, PROMPT, "plain", n=1, seed=0, levels=2).shape == (1, 3, 64, 64)


@pytest.mark.parametrize(
    "part,changes,message",
    [
        ("unet", {"in_channels": 9}, "unet in_channels is 9, expected 4"),
        ("unet", {"addition_embed_type": "text_time"}, "unet addition_embed_type is 'text_time'; supported: a UNet"),
        ("unet", {"num_class_embeds": 10}, "unet num_class_embeds is 10; supported: a UNet conditioned on text alone"),
        ("unet", {"block_out_channels": []}, "unet block_out_channels: expected a list of numbers"),
        ("vae", {"block_out_channels": "wide"}, "vae block_out_channels: expected a list of numbers"),
        ("text_encoder", {"max_position_embeddings": None}, "text_encoder max_position_embeddings: expected a number"),
    ],
)
def test_parts_of_other_pipelines_are_one_line(folder, part, changes, message):
    path = folder / part / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(BadInput, match=message):
        check_folder(folder)


def test_a_pipeline_in_memory_is_held_to_the_same():
    pipe = pipeline({"in_channels": 9})
    with pytest.raises(BadInput, match="pipe: unet in_channels is 9, expected 4"):
        repel(pipe, PROMPT, "plain", n=1, seed=0)


@pytest.mark.parametrize(
    "file",
    [
        "unet/config.json",
        "vae/config.json",
        "scheduler/scheduler_config.json",
        "model_index.json",
        "tokenizer/tokenizer_config.json",
    ],
)
@pytest.mark.parametrize("content", ["[]", "{", "null", ""])
def test_configurations_that_are_no_mapping(folder, file, content):
    (folder / file).write_text(content)
    with pytest.raises(BadInput, match=Path(file).name) as raised:
        check_folder(folder)
    assert "\n" not in str(raised.value)
