"""STAGE denoiser: the UNet and the text encoder, trained together to predict the noise in latents; and the rest of a
Stable Diffusion folder around them (tokenizer, scheduler, model_index.json).
"""

from __future__ import annotations

import json
from pathlib import Path

import diffusers
import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel
from jaxtyping import Float
from torch import Tensor, nn
from transformers import CLIPTextModel, PreTrainedTokenizerFast

from pipeline.profile.training_settings import TrainingSettings
from pipeline.world_model import tokenizer
from pipeline.world_model.artifacts import Artifacts, DenoiserParams, main
from pipeline.world_model.latents import TrainingLatents
from pipeline.world_model.rounds import train_rounds
from pipeline.world_model.text import drop_captions, text_config
from repulsion.tensors.noise import keyed_generator

LATENT_SIZE = 8
SNR_CLIP = 5.0
Latents = Float[Tensor, "n 4 h w"]
# Stable Diffusion 2's noise: betas scaled-linear over 1000 timesteps, the network predicts eps.
SCHEDULER = {
    "num_train_timesteps": 1000,
    "steps_offset": 1,  # as SD2's own; linspace spacing does not use it, and diffusers warns of any other value
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "timestep_spacing": "linspace",
}


def build(params: DenoiserParams, words: PreTrainedTokenizerFast) -> nn.ModuleDict:
    levels = len(params.channels)
    unet = UNet2DConditionModel(
        sample_size=LATENT_SIZE,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D",) * levels,
        up_block_types=("CrossAttnUpBlock2D",) * levels,
        block_out_channels=params.channels,
        layers_per_block=params.layers_per_block,
        cross_attention_dim=params.text_width,
        # diffusers reads this as the number of heads (as in SD2's 5, 10, 20, 20: heads of 64; here heads of 32)
        attention_head_dim=tuple(c // 32 for c in params.channels),
        use_linear_projection=True,
        norm_num_groups=16,
    )
    text = CLIPTextModel(text_config(words, params.text_width, params.text_layers))
    return nn.ModuleDict({"unet": unet, "text_encoder": text})


def noised(x0: Latents, eps: Latents, abar: Float[Tensor, " n"]) -> Latents:
    """sqrt(abar) x0 + sqrt(1 - abar) eps, with an abar for each row (Ho et al. 2020, eq. 4)."""
    abar = abar.view(-1, 1, 1, 1)
    return abar.sqrt() * x0 + (1 - abar).sqrt() * eps


def min_snr_weight(abar: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """min(SNR, 5) / SNR with SNR = abar / (1 - abar): the weight of the squared error in eps of Hang et al. 2023.

    At low noise eps is mostly fine texture; unweighted, it takes the training's attention from what the picture shows.
    """
    snr = abar / (1 - abar)
    return snr.clamp(max=SNR_CLIP) / snr


def run(artifacts: Artifacts) -> None:
    """Minimise the weighted E |eps - eps_theta(sqrt(abar_t) x0 + sqrt(1 - abar_t) eps, t, caption)|^2 over uniform t.

    A share `caption_dropout` of the captions is replaced by the empty one, so that guidance has an unconditional model.
    """
    params, device = artifacts.params.denoiser, artifacts.params.device
    words = tokenizer.build_tokenizer(artifacts.world)
    abars = EulerDiscreteScheduler(**SCHEDULER).alphas_cumprod
    # diffusers and transformers draw initial weights from the global generator
    torch.manual_seed(params.rounds[0].training.seed)
    networks = build(params, words).to(device)

    def loss_at(data: TrainingLatents, settings: TrainingSettings, step: int) -> Tensor:
        generator = keyed_generator(settings.seed, "denoiser", step)
        index = torch.randint(len(data), (settings.batch,), generator=generator)
        t = torch.randint(len(abars), (settings.batch,), generator=generator)
        eps = torch.randn(data.x0[index].shape, generator=generator)
        texts = drop_captions(data.captions(index), params.caption_dropout, generator)
        tokens = words(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        condition = networks["text_encoder"](tokens.to(device))[0]
        noisy = noised(data.x0[index], eps, abars[t]).to(device)
        error = (networks["unet"](noisy, t.to(device), condition).sample - eps.to(device)).square().mean((1, 2, 3))
        return (min_snr_weight(abars[t]).to(device) * error).mean()

    def save() -> None:
        for name, network in networks.items():
            network.save_pretrained(artifacts.model / name, safe_serialization=True)
        words.save_pretrained(artifacts.model / "tokenizer")
        EulerDiscreteScheduler(**SCHEDULER).save_pretrained(artifacts.model / "scheduler")
        write_model_index(artifacts.model)

    train_rounds(artifacts, "denoiser", networks, loss_at, save, points=200)


def write_model_index(folder: Path) -> None:
    """The contents page by which diffusers loads the folder as a StableDiffusionPipeline."""
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": diffusers.__version__,
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(run)
