"""PixArt-Sigma: a transformer that predicts the noise, and T5's tokens with a mask."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from repulsion.core.errors import BadInput
from repulsion.diffusion.families.family import Condition, Size, latent_of
from repulsion.diffusion.families.noise_prediction import NoisePrediction
from repulsion.diffusion.model import scheduler_sigmas


class PixArtSigma(NoisePrediction):
    """At the size that is given: the pipeline's own call would choose the nearest of a list, and resize."""

    part = "transformer"
    guidance_scale = 4.5  # diffusers' default

    def require_supported(self, where: str) -> None:
        config, channels = self.pipe.transformer.config, self.pipe.vae.config.latent_channels
        if config.in_channels != channels or config.out_channels not in (channels, 2 * channels):
            found = f"{config.in_channels} -> {config.out_channels}"
            raise BadInput(f"{where}: transformer channels are {found}, expected {channels} -> {channels} (or twice)")
        scheduler_sigmas(self.pipe.scheduler, f"{where}: scheduler")

    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        config = self.pipe.transformer.config
        return config.in_channels, *latent_of(size, config, self.pipe.vae.config, config.patch_size, "pipe")

    def encode(self, texts: list[str], negative: str | None, size: Size) -> tuple[Condition, Condition | None]:
        from diffusers.utils import is_bs4_available, is_ftfy_available

        clean = is_bs4_available() and is_ftfy_available()  # as the pipeline's own call, but without a warning
        prompt, mask, null, null_mask = self.pipe.encode_prompt(
            texts, negative_prompt=negative or "", device=self.device, clean_caption=clean
        )
        return {"prompt": prompt, "mask": mask}, {"prompt": null, "mask": null_mask}

    def predict(
        self, seen: Float[Tensor, "n c h w"], sigma: float, condition: Condition, weight: float
    ) -> Float[Tensor, "n c h w"]:
        out = self.pipe.transformer(
            seen,
            encoder_hidden_states=condition["prompt"],
            encoder_attention_mask=condition["mask"],
            timestep=self.timestep(sigma).expand(len(seen)),
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
            return_dict=False,
        )[0]
        return out[:, : seen.shape[1]]  # the other half, if any, is a variance that no step here uses
