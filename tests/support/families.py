"""A tiny pipeline with random weights of every family: diffusers' own classes, nothing downloaded."""

from collections.abc import Callable

import torch
from diffusers import (
    AutoencoderKL,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from stand_ins import words
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from pipeline.machine.stand_in import SMALL, random_pipeline

WIDTH = 32  # of T5's tokens, and of both CLIPs' together
TEXT = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}
TEXT |= {"vocab_size": 4096, "projection_dim": 16, "hidden_act": "gelu"}
SCHEDULER = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def t5_words() -> T5Tokenizer:
    """A piece for each letter."""
    pieces = [(piece, 0.0) for piece in ("<pad>", "</s>", "<unk>")]
    return T5Tokenizer(vocab=[*pieces, *((letter, -2.0) for letter in "▁abcdefghijklmnopqrstuvwxyz")], extra_ids=0)


def t5() -> T5EncoderModel:
    return T5EncoderModel(T5Config(vocab_size=64, d_model=WIDTH, d_kv=8, d_ff=32, num_layers=1, num_heads=4))


def vae(channels: int, **config: float) -> AutoencoderKL:
    return AutoencoderKL.from_config(SMALL["vae"] | {"latent_channels": channels} | config)


def stable_diffusion() -> DiffusionPipeline:
    return random_pipeline(SMALL, words(), torch.float32, "cpu", 0)


def stable_diffusion_xl() -> DiffusionPipeline:
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=(1, 2),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 16,
        cross_attention_dim=WIDTH,
    )
    return StableDiffusionXLPipeline(
        vae=vae(4, scaling_factor=0.13025),
        text_encoder=CLIPTextModel(CLIPTextConfig(**TEXT)),
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**TEXT)),
        tokenizer=words(),
        tokenizer_2=words(),
        unet=unet,
        scheduler=EulerDiscreteScheduler(**SCHEDULER, timestep_spacing="leading"),
        add_watermarker=False,
    )


def stable_diffusion_3(**scheduler: object) -> DiffusionPipeline:
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=WIDTH,
            caption_projection_dim=32,
            pooled_projection_dim=WIDTH,
            pos_embed_max_size=16,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(**({"shift": 3.0} | scheduler)),
        vae=vae(16, scaling_factor=1.5305, shift_factor=0.0609),
        text_encoder=CLIPTextModelWithProjection(CLIPTextConfig(**TEXT)),
        tokenizer=words(),
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**TEXT)),
        tokenizer_2=words(),
        text_encoder_3=t5(),
        tokenizer_3=t5_words(),
    )


def flux(distilled: bool = True, **scheduler: object) -> DiffusionPipeline:
    pipe = FluxPipeline(
        transformer=FluxTransformer2DModel(
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=16,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=distilled,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(**({"use_dynamic_shifting": True} | scheduler)),
        vae=vae(16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=CLIPTextModel(CLIPTextConfig(**TEXT)),
        tokenizer=words(),
        text_encoder_2=t5(),
        tokenizer_2=t5_words(),
    )
    pipe.default_sample_size = 8  # of FLUX.1: 128, in no configuration
    return pipe


def flux_schnell() -> DiffusionPipeline:
    return flux(False, use_dynamic_shifting=False)


def pixart_sigma() -> DiffusionPipeline:
    return PixArtSigmaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=8,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=3,
            cross_attention_dim=24,
            caption_channels=WIDTH,
            use_additional_conditions=False,
        ),
        scheduler=EulerDiscreteScheduler(**SCHEDULER, timestep_spacing="linspace"),
        vae=vae(4),
        text_encoder=t5(),
        tokenizer=t5_words(),
    )


TINY: dict[str, Callable[[], DiffusionPipeline]] = {
    "stable_diffusion": stable_diffusion,
    "stable_diffusion_xl": stable_diffusion_xl,
    "stable_diffusion_3": stable_diffusion_3,
    "flux": flux,
    "flux_schnell": flux_schnell,
    "pixart_sigma": pixart_sigma,
}


def tiny(name: str, dtype: torch.dtype = torch.float32) -> DiffusionPipeline:
    torch.manual_seed(0)
    pipe = TINY[name]().to(dtype)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
            if hasattr(part, "proj_out"):  # transformers begin at zero, where nothing of the prompt would be seen
                torch.nn.init.normal_(part.proj_out.weight, std=0.2)
    pipe.set_progress_bar_config(disable=True)
    return pipe
