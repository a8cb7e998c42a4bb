import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from safetensors.torch import load_file, save_file
from stand_ins import small_model

from pipeline.encoders import evaluation_encoder
from pipeline.stages.world import measure
from pipeline.world.captions import caption
from pipeline.world.painted.artists import ARTIST_NAMES
from pipeline.world.painted.subjects import SUBJECTS
from pipeline.world.worlds import PAINTED
from pipeline.world_model.artifacts import HERE, Artifacts, WorldParams
from repulsion.core.errors import BadInput
from repulsion.core.settings import load
from repulsion.diffusion.denoiser import to_images
from repulsion.diffusion.model import PLAIN_COMPUTE, check_folder, load_pipeline, sample_plain
from repulsion.forces.repulsion import Repulsion, Strength
from repulsion.sampling.methods import Method
from repulsion.sampling.particles import sample_particles
from repulsion.sampling.request import SetRequest

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "painted-world"
# Bars that the shipped weights miss, as the card and the README say. A better training must shrink this set.
MISSED = {
    "worst pair, subject",
    "base prompts, guidance 1: total variation of artist shares, worst prompt",
}


@pytest.fixture
def folder(tmp_path):
    """The shipped model without its weights' bulk being touched: a copy that a test may break."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


@pytest.mark.parametrize(
    "missing,message",
    [
        ("model_index.json", "no model_index.json"),
        ("unet/config.json", "part 'unet' lacks config.json; expected unet, vae"),
        ("vae/diffusion_pytorch_model.safetensors", "part 'vae' lacks diffusion_pytorch_model.safetensors"),
        ("tokenizer/tokenizer_config.json", "part 'tokenizer' lacks tokenizer_config.json"),
        ("tokenizer/tokenizer.json", "part 'tokenizer' lacks its words: tokenizer.json, or vocab.json and merges.txt"),
        ("scheduler/scheduler_config.json", "part 'scheduler' lacks"),
    ],
)
def test_a_missing_part_is_named(folder, missing, message):
    (folder / missing).unlink()
    with pytest.raises(ValueError, match=message):
        load_pipeline(folder, "cpu")


@pytest.mark.parametrize(
    "part,key,value,message",
    [
        ("unet", "in_channels", 9, "unet in_channels is 9, expected 4"),
        ("vae", "latent_channels", 8, "unet in_channels is 4, expected 8"),
        ("text_encoder", "hidden_size", 999, "cross_attention_dim is 64, expected 999"),
    ],
)
def test_parts_that_do_not_fit_each_other(folder, part, key, value, message):
    path = folder / part / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ValueError, match=message):
        check_folder(folder)


def test_weights_of_the_wrong_shape_are_one_line(folder):
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["conv_in.weight"] = weights["conv_in.weight"][:, :3].contiguous()
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(BadInput, match="weights and configuration do not fit.*conv_in") as error:
        load_pipeline(folder, "cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("part", ["vae/diffusion_pytorch_model", "text_encoder/model"])
def test_truncated_weights_are_one_line(folder, part):
    path = folder / f"{part}.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadInput, match="weights and configuration do not fit"):
        load_pipeline(folder, "cpu")


def test_a_missing_tensor_is_named(folder):
    """diffusers would fill it at random and warn."""
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    del weights["conv_in.bias"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(BadInput, match=r"tensor conv_in.bias is missing; expected shape \(64,\)"):
        load_pipeline(folder, "cpu")


def test_names_of_older_checkpoints_are_translated(tmp_path):
    """Stable Diffusion 2's files: the VAE's attention as query, key, value, proj_attn; the text encoder's tensors behind
    text_model., with its position ids."""
    small_model(tmp_path / "new", "epsilon")
    old = Path(shutil.copytree(tmp_path / "new", tmp_path / "old"))
    vae, text = old / "vae/diffusion_pytorch_model.safetensors", old / "text_encoder/model.safetensors"
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = load_file(vae)
    for name in [n for n in tensors if "attentions" in n]:
        older = name
        for now, then in names.items():
            older = older.replace(now, then)
        tensors[older] = tensors.pop(name)
    assert any("proj_attn" in n for n in tensors)
    save_file(tensors, vae, metadata={"format": "pt"})
    tensors = {f"text_model.{n.removeprefix('text_model.')}": t for n, t in load_file(text).items()}
    tensors["text_model.embeddings.position_ids"] = torch.arange(77).unsqueeze(0)
    save_file(tensors, text, metadata={"format": "pt"})
    new, old = (load_pipeline(path, "cpu") for path in (tmp_path / "new", old))
    for part in ("vae", "text_encoder"):
        loaded = getattr(old, part).state_dict()
        assert all(torch.equal(t, loaded[n]) for n, t in getattr(new, part).state_dict().items())


@pytest.mark.parametrize("changes", [{"dtype": "bfloat16"}, {"channels_last": True}, {"offload": True}])
def test_a_model_computes_as_its_profile_says(tmp_path, changes):
    small_model(tmp_path, "epsilon")
    plain, placed = load_pipeline(tmp_path, "cpu"), load_pipeline(tmp_path, "cpu", replace(PLAIN_COMPUTE, **changes))
    assert {p.dtype for p in placed.unet.parameters()} == {getattr(torch, changes.get("dtype", "float32"))}
    flat = placed.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    assert flat == changes.get("channels_last", False)
    assert hasattr(placed.unet, "_hf_hook") == changes.get("offload", False)  # accelerate's
    assert all(isinstance(p, AttnProcessor2_0) for p in placed.unet.attn_processors.values())
    images = [sample_plain(pipe, ["a vase"], [0], 8.0, 2, seed=0) for pipe in (plain, placed)]
    assert (images[0].int() - images[1].int()).abs().float().mean() <= 2  # bfloat16 rounds to three digits


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's tracer looks at it
def test_a_compiled_model_gives_the_same_images_and_gradients(tmp_path, monkeypatch):
    """Traced and differentiated as torch.compile does, without its code generator, which would take minutes. A method
    with two repulsions through the denoiser asks for its gradient twice."""
    real = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: real(self, backend="aot_eager"))
    small_model(tmp_path, "epsilon")
    cell = Repulsion("rbf", "centre_of_mass", "denoised", Strength("relative", 0.3), "median")
    method = Method("euler", repel=(cell, replace(cell, space="channel_average")))

    def images(compiled: bool, batch: int) -> torch.Tensor:
        pipe = load_pipeline(tmp_path, "cpu", replace(PLAIN_COMPUTE, compile=compiled))
        assert (pipe.unet._compiled_call_impl is not None) == compiled
        request = SetRequest("a vase", 0, "vase", "linspace", 3, 8.0, batch, batch, batch, "test")
        return to_images(pipe, sample_particles(pipe, method, request, [0, 1, 2], None).x0, batch).int()

    for batch in (4, 64):
        assert (images(True, batch) - images(False, batch)).abs().max() <= 1


def test_a_config_that_is_no_json(folder):
    (folder / "unet" / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json is not valid JSON"):
        check_folder(folder)


def test_the_shipped_folder_is_small_and_safe():
    files = [p for p in SHIPPED.rglob("*") if p.is_file()]
    assert {p.suffix for p in files} == {".json", ".safetensors", ".md", ".png"}
    assert sum(p.stat().st_size for p in files) <= 40e6


def test_the_shipped_model_is_stable_diffusion_in_small():
    vae, unet, scheduler = (
        json.loads((SHIPPED / p).read_text())
        for p in ("vae/config.json", "unet/config.json", "scheduler/scheduler_config.json")
    )
    assert vae["_class_name"] == "AutoencoderKL" and vae["latent_channels"] == 4
    assert len(vae["block_out_channels"]) == 4  # halved three times: factor 8
    assert unet["_class_name"] == "UNet2DConditionModel" and unet["sample_size"] == 8
    assert scheduler["beta_schedule"] == "scaled_linear" and scheduler["prediction_type"] == "epsilon"
    assert (scheduler["beta_start"], scheduler["beta_end"]) == (0.00085, 0.012)


def test_the_shipped_numbers_hold_their_bars_but_the_ones_said_to_be_missed():
    rows = json.loads((ROOT / "results" / "world" / "metrics.json").read_text())["bars"]
    assert len(rows) == 11
    assert {row["what"] for row in rows if not row["holds"]} == MISSED


def test_the_shipped_model_does_what_its_numbers_say():
    """One image of each subject by five artists, read by the encoder; and the VAE on 200 held-out renders."""
    pipe = load_pipeline(SHIPPED, "cpu")
    encoder = evaluation_encoder.load(SHIPPED / "encoder", PAINTED)
    pairs = [(s, a) for s in SUBJECTS for a in ARTIST_NAMES[::4]]
    images = sample_plain(pipe, [caption(PAINTED, *pair) for pair in pairs], [10_000] * len(pairs), 8.0, 20, seed=6)
    reading = encoder.read(images)
    subject = torch.tensor([SUBJECTS.index(s) for s, _ in pairs])
    artist = torch.tensor([ARTIST_NAMES.index(a) for _, a in pairs])
    # of 60 images read right with probability 0.95, fewer than 52 come up in 1 run of 300; the draw is fixed
    assert (reading.subject.argmax(1) == subject).sum() >= 52
    assert (reading.artist.argmax(1) == artist).sum() >= 52

    world = Artifacts(load(WorldParams, HERE / "params.yaml"))
    _, renders = measure.held_out(PAINTED, world.params.measure)
    claimed = json.loads((ROOT / "results" / "world" / "metrics.json").read_text())["vae_psnr"]
    renders = renders[:200]
    found = measure.psnr(renders, measure.reconstruct(pipe.vae, renders)).mean().item()
    # images differ by 3 dB (standard deviation): the mean of 200 has a standard error of 0.2
    assert found == pytest.approx(claimed, abs=1.0)
