"""STAGE story: repulsion where everything can be seen, sixteen particles in two dimensions with an exact score.

Eight modes are on a circle and one has most of the weight. The rows below go through the project's own sampler.
"""

from __future__ import annotations

import math

import pandas as pd
import torch
from torch import Tensor

from pipeline.profile.profile import Profile
from pipeline.profile.stage import main
from repulsion.core.files import new_file
from repulsion.diffusion.levels import noise_levels, scaled_linear_abar, sigma_table
from repulsion.diffusion.mixture import GaussianMixture
from repulsion.forces.embeddings import Context
from repulsion.forces.repulsion import Repulsion, Strength
from repulsion.sampling.methods import PLAIN, Correction, Method
from repulsion.sampling.sampler import Hooks, sample
from repulsion.tensors.noise import particle_noise

MODES, PARTICLES, LEVELS, SEED = 8, 16, 20, 0


def ring(k: int) -> GaussianMixture:
    """k modes on a circle of radius 4; the first has 4 k times the weight of each other."""
    angle = 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    weights = torch.ones(k, dtype=torch.float64)
    weights[0] = 4 * k
    return GaussianMixture(4 * torch.stack([angle.cos(), angle.sin()], 1), 0.2, weights / weights.sum())


def repelled(strength: float) -> Method:
    """Repulsion in the plane itself, down to sigma 0.95: below it the score acts alone."""
    cell = Repulsion("rbf", "latent", "noisy", Strength("relative", strength), "median", sigma_min=0.95)
    return Method("euler", repel=(cell,))


ROWS = {
    "plain": PLAIN,
    "langevin": Method("euler", Correction("langevin", sigma_min=1.6)),
    "repulsion 0.3 of the score": repelled(0.3),
    "repulsion 1.5 of the score": repelled(1.5),
}


def paths(method: Method, mixture: GaussianMixture) -> list[Tensor]:
    """The particles [16, 2] as each level begins, and at the end."""
    sigmas = noise_levels("linspace", sigma_table(scaled_linear_abar(0.00085, 0.012, 1000)), LEVELS)
    seen: list[Tensor] = []

    def record(x: Tensor, sigma: float, level: int) -> Tensor:
        seen.append(x)
        return x

    def noise(purpose: str) -> Tensor:
        return particle_noise(SEED, "story", list(range(PARTICLES)), purpose, (2,)).double()

    end = sample(mixture.denoise, sigmas, method, noise, Context(SEED), "story", Hooks(edit_latent=record))
    return [*seen, end]


def run(profile: Profile) -> None:
    mixture = ring(MODES)
    table = [
        (name, level, particle, *point)
        for name, method in ROWS.items()
        for level, x in enumerate(paths(method, mixture))
        for particle, point in enumerate(x.tolist())
    ]
    modes = [("modes", 0, k, *point) for k, point in enumerate(mixture.means.tolist())]
    columns = ["method", "level", "particle", "x", "y"]
    with new_file(profile.story) as part:
        pd.DataFrame(table + modes, columns=columns).to_csv(part, index=False, lineterminator="\n", float_format="%.5f")


if __name__ == "__main__":
    main(run)
