"""Toy networks of Stable Diffusion's classes, with random weights."""

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline

from pipeline.profile.training_settings import TrainingSettings
from pipeline.stages.world import denoiser as train_denoiser
from pipeline.stages.world import vae as train_vae
from pipeline.world.worlds import PAINTED
from pipeline.world_model.artifacts import DenoiserParams, RoundParams
from pipeline.world_model.tokenizer import build_tokenizer


def toy_pipeline(prediction_type: str) -> StableDiffusionPipeline:
    torch.manual_seed(0)
    words = build_tokenizer(PAINTED)
    params = DenoiserParams(
        (32, 32), 1, 32, 1, 0.1, (RoundParams(1, 0, None, 0.0, TrainingSettings(1, 1, 1.0, 0.0, 0.0, 0.0, 1, 0)),)
    )
    networks = train_denoiser.build(params, words).eval()
    pipe = StableDiffusionPipeline(
        vae=train_vae.build((8, 8, 8, 8)).eval(),
        text_encoder=networks["text_encoder"],
        tokenizer=words,
        unet=networks["unet"],
        scheduler=EulerDiscreteScheduler(**(train_denoiser.SCHEDULER | {"prediction_type": prediction_type})),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe
