"""What a profile needs of this machine: the device and its memory, the weights, the disk.

`python -m pipeline.machine.requirements params.yaml` lists what it finds, and stops at the first thing that is missing;
`make reproduce` runs it before any stage. Sizes are estimates, from counts of what is kept; the factors in them say
where they come from.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

from pipeline.machine.architecture import PARAMETERS, config_of, layout
from pipeline.machine.downloads import require_encoder_weights, require_model
from pipeline.machine.other_results import other_results
from pipeline.profile.command_line import arguments
from pipeline.profile.profile import Profile, read_profile
from pipeline.profile.prompts import read_prompts, select
from pipeline.sampling.workers import VARIABLE, workers_and_threads
from pipeline.world.worlds import world_of
from repulsion.core.errors import BadInput, one_line_errors
from repulsion.diffusion.configurations import POSITIONS, REQUIRED_SIZES, image_factor, image_size, latent_shape
from repulsion.diffusion.model_folder import T5_TOKENS, weight_files
from repulsion.sampling.methods import load_methods
from repulsion.tensors.devices import require_device
from repulsion.tensors.weights import count_parameters

GIB = 2**30
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
# Activations that are alive at once, in units of the largest: a UNet's feed-forward layer is 8 times as wide as the
# first block, a decoder's last block works at full size. Of Stable Diffusion 2, in float32 on a CPU, bench.sd2
# measured 5.7 and 4.4, and a UNet with the graph of a gradient took 40.
LIVE_UNET, LIVE_DECODER, LIVE_GRAPH = 7, 5, 42
PAIRS = 6  # matrices of pairs of particles: distances, kernel, weights and what they are made of
# A PNG's share of its pixels' bytes: photographs are at 0.5 to 0.6, the painted world's pictures at 0.43.
PNG = 0.6
# Each image set is stored twice, as shards and packed, which DVC's cache shares (by hard links); features likewise.
COPIES = 2


def widest_of_unet(unet: dict[str, Any], height: int, width: int) -> int:
    return height * width * 8 * unet["block_out_channels"][0]


def widest_of_transformer(transformer: dict[str, Any], height: int, width: int) -> int:
    """Of a feed-forward layer, over the patches and as many tokens of text as prompts may have."""
    tokens = height * width // transformer["patch_size"] ** 2 + POSITIONS + T5_TOKENS
    return tokens * 4 * transformer["num_attention_heads"] * transformer["attention_head_dim"]


# The largest activation of one latent, in numbers, by the part that denoises.
WIDEST = {"unet": widest_of_unet, "transformer": widest_of_transformer}


def of_model(profile: Profile, part: str) -> dict[str, Any]:
    return config_of(Path(profile.model), part)


def of_denoiser(profile: Profile) -> dict[str, Any]:
    return of_model(profile, layout(Path(profile.model)).denoiser)


def latent(profile: Profile) -> tuple[int, int, int]:
    return latent_shape(of_denoiser(profile), image_factor(of_model(profile, "vae")), where=f"model {profile.model}")


def pixels(profile: Profile) -> int:
    """Of an image."""
    return prod(image_size(of_denoiser(profile), of_model(profile, "vae")))


def require_configs(profile: Profile) -> None:
    """Raise BadInput for configurations from which no sizes can be computed: those that are there, and Stable Diffusion
    2's for those that are not."""
    found = layout(Path(profile.model))
    configs = {part: of_model(profile, part) for part in found.networks}
    REQUIRED_SIZES[found.denoiser](configs, f"model {profile.model}")
    latent(profile)
    parameters(profile)


def parameters(profile: Profile) -> dict[str, int]:
    """Of each network, from the headers of its files; Stable Diffusion 2's known counts while they are missing."""
    return {part: parameters_of(Path(profile.model), part) for part in layout(Path(profile.model)).networks}


def parameters_of(model: Path, part: str) -> int:
    try:
        files = weight_files(model, part).files
    except BadInput:
        if part not in PARAMETERS:
            raise
        return PARAMETERS[part]
    return count_parameters(files)


def memory_needed(profile: Profile) -> float:
    """GiB on the device while particle sets are sampled: weights (of two parts at most, where the others stay on the
    CPU), and for each set that is made at once, latents with what the sampler keeps of them and the largest of the
    micro-batches."""
    vae, compute, shape = of_model(profile, "vae"), profile.compute, latent(profile)
    widest = WIDEST[layout(Path(profile.model)).denoiser](of_denoiser(profile), *shape[1:])
    decode = compute.decode_batch * pixels(profile) * vae["block_out_channels"][1 % len(vae["block_out_channels"])]
    graph = LIVE_GRAPH * compute.gradient_batch * widest if through_denoiser(profile) else 0
    working = max(LIVE_UNET * profile.sampling.batch * widest, graph, LIVE_DECODER * decode) * BYTES[compute.dtype]
    n = profile.sampling.particles
    kept = (8 * n * prod(shape) + PAIRS * n**2) * 4  # x, x0, score, forces; the kernel: float32
    counts = parameters(profile).values()
    there = sorted(counts)[-2:] if compute.offload else counts
    weights = sum(there) * BYTES[compute.dtype]
    return (weights + sets_at_once(profile) * (working + kept)) / GIB


def sets_at_once(profile: Profile) -> int:
    prompts = len(select(read_prompts(Path(profile.prompts.source)), profile.prompts))
    return workers_and_threads(profile.device, prompts * profile.sampling.sets_per_prompt)[0]


def through_denoiser(profile: Profile) -> bool:
    """Whether some method of the profile sends a gradient back through the denoiser."""
    methods = load_methods(Path(profile.methods_file))
    return any(methods[name].through_denoiser for name in profile.methods if name in methods)


def memory_there(profile: Profile) -> float:
    """GiB of the device, or of the machine where that computes."""
    if profile.device == "cuda":
        import torch

        return torch.cuda.get_device_properties(0).total_memory / GIB
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB


def artists_of(profile: Profile) -> int:
    return len(profile.prompts.artists or world_of(profile.world).artists)


def images_of(profile: Profile) -> dict[str, int]:
    """How many images each set has, over all prompts."""
    prompts = len(select(read_prompts(Path(profile.prompts.source)), profile.prompts))
    artists = artists_of(profile)
    return {name: prompts * profile.images_per_prompt(name, artists) for name in profile.image_sets}


def disk_needed(profile: Profile, images: int) -> float:
    """GiB that images and their features take, and what is kept on the way: x of an unfinished set, and the
    trajectories that the style classifier learns from."""
    p, classifier = profile.sampling, profile.style_classifier
    trajectories = len(classifier.subjects) * artists_of(profile) * (classifier.train + classifier.held_out)
    features = COPIES * 8700 * 4  # Inception's five spaces, float32
    kept = (p.particles + trajectories * (p.levels + 1)) * 4
    return (images * (COPIES * PNG * 3 * pixels(profile) + features) + kept * prod(latent(profile))) / GIB


def device(profile: Profile) -> str:
    require_device(profile.device)
    if profile.device == "cpu":
        return f"cpu, {os.cpu_count()} cores"
    import torch

    return f"cuda, {torch.cuda.get_device_name(0)}"


def model(profile: Profile) -> str:
    require_model(profile)
    return f"{profile.model}, {sum(parameters(profile).values()) / 1e6:.0f} million parameters"


def encoder(profile: Profile) -> str:
    require_encoder_weights(profile)
    return profile.encoder.weights


def memory(profile: Profile) -> str:
    needed = memory_needed(profile)
    try:
        require_device(profile.device)
    except BadInput:
        raise BadInput(f"memory: about {needed:.1f} GiB needed, and there is no {profile.device} device") from None
    there, at_once = memory_there(profile), sets_at_once(profile)
    beside = f" by {at_once} sets at once" if at_once > 1 else ""
    if needed > there:
        fewer = f", or set {VARIABLE}=1 in the environment" if at_once > 1 else ""
        raise BadInput(
            f"memory: about {needed:.1f} GiB needed{beside}, {there:.1f} GiB on the {profile.device}; lower "
            f"sampling.batch ({profile.sampling.batch}), compute.gradient_batch ({profile.compute.gradient_batch}) or "
            f"decode_batch ({profile.compute.decode_batch}){fewer}"
        )
    return f"about {needed:.1f} GiB needed{beside}, {there:.1f} GiB on the {profile.device}"


def disk(profile: Profile) -> str:
    missing = sum(n for name, n in images_of(profile).items() if not profile.features(name).is_file())
    made = sum(path.stat().st_size for path in profile.scratch.rglob("*") if path.is_file()) / GIB
    needed, there = max(0.0, disk_needed(profile, missing) - made), shutil.disk_usage(".").free / GIB
    if needed > there:
        raise BadInput(f"disk: about {needed:.1f} GiB needed for {missing} images, {there:.1f} GiB free here")
    return f"about {needed:.1f} GiB needed for {missing} images, {there:.1f} GiB free"


# In the order in which they run; each says what it found, or raises BadInput with what to do.
CHECKS: dict[str, Callable[[Profile], str]] = {
    "device": device,
    "model": model,
    "encoder": encoder,
    "results": other_results,
    "memory": memory,
    "disk": disk,
}


def run(profile: Profile) -> None:
    """A line for each check. Raises BadInput for the first thing that a profile misses here."""
    for name, check in CHECKS.items():
        print(f"{name:<8} {check(profile)}")


if __name__ == "__main__":
    with one_line_errors():
        (path,) = arguments(["params.yaml"])
        run(read_profile(Path(path)))
