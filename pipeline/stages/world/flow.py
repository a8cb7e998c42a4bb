"""STAGE flow: a transformer of text and image tokens and two text encoders, trained together to predict the velocity of
a flow; and the rest of a Stable Diffusion 3 folder around them.
"""

from __future__ import annotations

import json
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel
from jaxtyping import Float
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection, PreTrainedTokenizerFast

from pipeline.profile.training_settings import TrainingSettings
from pipeline.world_model import tokenizer
from pipeline.world_model.artifacts import Artifacts, FlowParams, main
from pipeline.world_model.latents import TrainingLatents
from pipeline.world_model.rounds import train_rounds
from pipeline.world_model.text import drop_captions, text_config
from repulsion.diffusion.model_folder import PADDING, T5_TOKENS
from repulsion.tensors.noise import keyed_generator

LATENT_SIZE = 8
STEPS = 1000
ENCODERS = ("text_encoder", "text_encoder_2")


def build(params: FlowParams, words: PreTrainedTokenizerFast) -> nn.ModuleDict:
    """The three networks with random weights. Attention heads have 32 channels, and normalised queries and keys as in
    Stable Diffusion 3.5."""
    config = text_config(words, params.text_width, params.text_layers, projection_dim=params.text_width)
    both = len(ENCODERS) * params.text_width  # the encoders' outputs, side by side
    transformer = SD3Transformer2DModel(
        sample_size=LATENT_SIZE,
        patch_size=params.patch,
        in_channels=4,
        out_channels=4,
        num_layers=params.layers,
        num_attention_heads=params.width // 32,
        attention_head_dim=32,
        caption_projection_dim=params.width,
        joint_attention_dim=both,
        pooled_projection_dim=both,
        pos_embed_max_size=LATENT_SIZE // params.patch,
        qk_norm="rms_norm",
    )
    start_as_identity(transformer)
    encoders = {name: CLIPTextModelWithProjection(config) for name in ENCODERS}
    return nn.ModuleDict({"transformer": transformer, **encoders})


@torch.no_grad()
def start_as_identity(transformer: SD3Transformer2DModel) -> None:
    """Zero what scales, shifts and gates each block, and the last projection, so that the network starts from blocks
    that change nothing (adaLN-Zero, Peebles & Xie 2023); diffusers leaves them at random."""
    norms = [norm for block in transformer.transformer_blocks for norm in (block.norm1, block.norm1_context)]
    for layer in (transformer.proj_out, *(norm.linear for norm in (*norms, transformer.norm_out))):
        layer.weight.zero_()
        layer.bias.zero_()


def encode(
    networks: nn.ModuleDict, tokens: Tensor, padding: int
) -> tuple[Float[Tensor, "n tokens width"], Float[Tensor, "n width"]]:
    """The texts as StableDiffusion3Pipeline tells them to its transformer: the encoders' last hidden states but one,
    side by side, then `padding` tokens of zeros; and the encoders' projected last states.

    transformers takes an eos_token_id of 2, as of these words, for that of an old CLIP, and projects the state of the
    token with the highest id: here the last name of a caption, which has seen all that comes before it.
    """
    found = [networks[name](tokens, output_hidden_states=True) for name in ENCODERS]
    prompt = torch.cat([f.hidden_states[-2] for f in found], -1)
    zeros = prompt.new_zeros(len(prompt), padding, prompt.shape[-1])
    return torch.cat([prompt, zeros], 1), torch.cat([f.text_embeds for f in found], -1)


def run(artifacts: Artifacts) -> None:
    """Minimise E |eps - x0 - v_theta((1 - t) x0 + t eps, t, caption)|^2 over logit-normal t (Esser et al. 2024, eq. 13,
    19).

    A share `padded` of the batches sees tokens of zeros beside the text, 1 to 256 of them (log-uniform), the others
    none: so that the model paints as well with the padding of the stock pipeline as, at a fraction of the cost,
    without.
    """
    params, device = artifacts.flow, artifacts.params.device
    words = tokenizer.build_tokenizer(artifacts.world)
    # diffusers and transformers draw initial weights from the global generator
    torch.manual_seed(params.rounds[0].training.seed)
    networks = build(params, words).to(device)

    def loss_at(data: TrainingLatents, settings: TrainingSettings, step: int) -> Tensor:
        generator = keyed_generator(settings.seed, "flow", step)
        index = torch.randint(len(data), (settings.batch,), generator=generator)
        t = torch.randn(settings.batch, generator=generator).sigmoid()
        x0, eps = data.x0[index], torch.randn(data.x0[index].shape, generator=generator)
        texts = drop_captions(data.captions(index), params.caption_dropout, generator)
        padded, many = torch.rand(2, generator=generator).tolist()
        padding = round(T5_TOKENS**many) if padded < params.padded else 0
        tokens = words(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        prompt, pooled = encode(networks, tokens.to(device), padding)
        state = torch.lerp(x0, eps, t.view(-1, 1, 1, 1)).to(device)
        velocity = networks["transformer"](state, prompt, pooled, (STEPS * t).to(device), return_dict=False)[0]
        return (velocity - (eps - x0).to(device)).square().mean()

    def save() -> None:
        folder = Path(params.model)
        for name, network in networks.items():
            network.save_pretrained(folder / name, safe_serialization=True)
        for name in ("tokenizer", "tokenizer_2"):
            words.save_pretrained(folder / name)
        vae = AutoencoderKL.from_pretrained(artifacts.vae, low_cpu_mem_usage=False)
        vae.register_to_config(shift_factor=0.0)  # the same latents as the UNet's; Stable Diffusion 3 has a number here
        vae.save_pretrained(folder / "vae", safe_serialization=True)
        FlowMatchEulerDiscreteScheduler(num_train_timesteps=STEPS, shift=1.0).save_pretrained(folder / "scheduler")
        write_model_index(folder)

    train_rounds(artifacts, "flow", networks, loss_at, save, points=300)


def write_model_index(folder: Path) -> None:
    """The contents page by which diffusers loads the folder as a StableDiffusion3Pipeline without a T5."""
    index = {
        "_class_name": "StableDiffusion3Pipeline",
        "_diffusers_version": diffusers.__version__,
        PADDING: 0,
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "text_encoder_3": [None, None],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "tokenizer_2": ["transformers", "PreTrainedTokenizerFast"],
        "tokenizer_3": [None, None],
        "transformer": ["diffusers", "SD3Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(run)
