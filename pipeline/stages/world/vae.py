"""STAGE vae: an AutoencoderKL with Stable Diffusion 2's factor 8 and 4 latent channels, trained on uniform renders."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from pipeline.training.loop import fit, write_curve
from pipeline.world.render import render
from pipeline.world.scene import IMAGE_SIZE, max_diversity, random_subjects, without_unseen
from pipeline.world.worlds import World
from pipeline.world_model.artifacts import Artifacts, main
from repulsion.tensors.noise import keyed_generator
from repulsion.tensors.pixels import to_vae_range

KL_WEIGHT = 1e-6


def build(channels: tuple[int, ...]) -> AutoencoderKL:
    """A VAE with random weights that halves the image once between each two of its levels."""
    levels = len(channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=channels,
        layers_per_block=1,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=IMAGE_SIZE,
    )


def loss(vae: AutoencoderKL, images: Float[Tensor, "n 3 h w"], generator: torch.Generator) -> Float[Tensor, ""]:
    """Mean absolute and squared error per value, and KL to a standard normal (nats per image) at weight 1e-6."""
    posterior = vae.encode(images).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator).to(images.device)
    decoded = vae.decode(posterior.mean + posterior.std * noise).sample
    return l1_loss(decoded, images) + mse_loss(decoded, images) + KL_WEIGHT * posterior.kl().mean()


def renders(world: World, n: int, generator: torch.Generator) -> UInt8[Tensor, "n 3 64 64"]:
    """Uniform renders, but for what no training may see."""
    scenes = max_diversity(world, random_subjects(world, n, generator), generator)
    return render(world, without_unseen(world, scenes, max_diversity, generator))


def run(artifacts: Artifacts) -> None:
    settings, device = artifacts.params.vae.training, artifacts.params.device
    torch.manual_seed(settings.seed)  # diffusers draws initial weights from the global generator
    # Channels-last convolutions are a tenth faster here; small batches because many steps serve shapes better than
    # many images a step (at equal time 20.4 dB with batches of 8 against 17.5 dB with 32, in a first two minutes).
    vae = build(artifacts.params.vae.channels).to(device, memory_format=torch.channels_last)

    def loss_at(step: int) -> Tensor:
        generator = keyed_generator(settings.seed, "vae", step)
        images = renders(artifacts.world, settings.batch, generator)
        images = to_vae_range(images).to(device, memory_format=torch.channels_last)
        return loss(vae, images, generator)

    checkpoint = artifacts.checkpoint("vae")
    losses = fit(vae, loss_at, settings, checkpoint, "vae")
    vae.register_to_config(scaling_factor=1 / latent_std(vae, artifacts.world, device, settings.seed))
    vae.save_pretrained(artifacts.vae, safe_serialization=True)
    write_curve(artifacts.curve("vae"), losses, points=200)
    checkpoint.unlink(missing_ok=True)


def latent_std(vae: AutoencoderKL, world: World, device: str, seed: int) -> float:
    """Standard deviation of latents over 2,000 uniform renders: what Stable Diffusion's scaling factor undoes."""
    generator = keyed_generator(seed, "latent std", 0)
    images = renders(world, 2000, generator)
    with torch.no_grad():
        latents = [vae.encode(to_vae_range(part).to(device)).latent_dist.mean for part in images.split(100)]
    return torch.cat(latents).std().item()


if __name__ == "__main__":
    main(run)
