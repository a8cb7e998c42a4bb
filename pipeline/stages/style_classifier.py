"""STAGE style_classifier: a classifier of latents by artist, trained on whole sampling trajectories of named artists.

It learns from all noise levels, each given as an input: from the trajectories as they are, and from their last latents
with fresh noise of the level, which keeps it from memorising initial noise. Its accuracy at each level is measured on
trajectories from other starts.
"""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import nll_loss

from pipeline.profile.executor import works_here
from pipeline.profile.profile import Profile
from pipeline.profile.prompts import named_prompts, read_artists
from pipeline.profile.stage import main
from pipeline.sampling.coordinator import Work
from pipeline.sampling.fan_out import complete, work_folder
from pipeline.training.loop import fit, write_curve
from pipeline.training.trajectories import Trajectories, split, trajectories
from pipeline.world.worlds import medium_of
from repulsion.core.files import new_file
from repulsion.diffusion.model_folder import parts_of
from repulsion.forces import style_classifier
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.tensors.devices import require_device
from repulsion.tensors.noise import keyed_generator
from repulsion.tensors.slices import sliced
from repulsion.tensors.weights import hash_of, is_kept, write_tensors

ROWS = 1024  # latents that the classifier looks at in one call, where it is measured
LOSSES = "losses"  # beside the weights in the file that training leaves


@torch.no_grad()
def accuracy_by_level(network: StyleClassifier, t: Trajectories) -> list[float]:
    """Share of trajectories whose artist is named rightly, at each level."""
    found = []
    for k, sigma in enumerate(t.sigma):
        guess = sliced(lambda x, s, sigma=sigma: network(x, sigma.expand(len(x))), t.x[:, k], ROWS).argmax(1)
        found.append((guess == t.artist).float().mean().item())
    return found


def new_classifier(profile: Profile, t: Trajectories, artists: list[str]) -> StyleClassifier:
    p = profile.style_classifier
    torch.manual_seed(p.training.seed)  # torch draws initial weights from the global generator
    return StyleClassifier(tuple(artists), t.x.shape[-1], p.width, p.features)


def train_classifier(
    profile: Profile, t: Trajectories, network: StyleClassifier, checkpoint: Path
) -> tuple[StyleClassifier, list[float]]:
    """Cross-entropy over trajectories and levels drawn uniformly; the network and the loss at every step."""
    p, device = profile.style_classifier, profile.device
    settings = p.training
    network.to(device)

    def loss_at(step: int) -> Tensor:
        generator = keyed_generator(settings.seed, "style classifier", step)
        row = torch.randint(len(t.x), (settings.batch,), generator=generator)
        level = torch.randint(len(t.sigma), (settings.batch,), generator=generator)
        sigma = t.sigma[level]
        noise = torch.randn(t.x0[row].shape, generator=generator)
        fresh = torch.rand(settings.batch, 1, 1, 1, generator=generator) < p.renoised
        x = torch.where(fresh, t.x0[row] + sigma.view(-1, 1, 1, 1) * noise, t.x[row, level])
        guess = network(x.to(device), sigma.to(device))
        return nll_loss(guess, t.artist[row].to(device))

    losses = fit(network, loss_at, settings, checkpoint, "style classifier")
    return network.cpu(), losses


def write_accuracy(path: Path, sigma: Float[Tensor, " levels"], accuracy: dict[str, list[float]]) -> None:
    """One row for each level and set: level, sigma, set, accuracy."""
    with new_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["level", "sigma", "set", "accuracy"])
        for name, values in accuracy.items():
            writer.writerows(
                [k, f"{s:.4f}", name, f"{v:.4f}"] for k, (s, v) in enumerate(zip(sigma, values, strict=True))
            )


def run(profile: Profile) -> None:
    if works_here(profile):
        require_device(profile.device)
    p, artists = profile.style_classifier, read_artists(profile.artists_file)
    prompts, n = named_prompts(medium_of(profile.world), p.subjects, artists), p.train + p.held_out
    model = hash_of(*parts_of(Path(profile.model)))
    inputs = [asdict(p), profile.sampling.of_a_set(), profile.device, asdict(profile.compute), prompts, model]
    scratch = work_folder(profile.scratch / "style_classifier", *inputs)
    train, held_out = split(trajectories(profile, prompts, n, scratch), n, p.train)
    network = new_classifier(profile, train, artists)

    def make(file: Path, part: Path) -> None:
        trained, losses = train_classifier(profile, train, network, scratch / "checkpoint.safetensors")
        write_tensors(part, trained.state_dict() | {LOSSES: torch.tensor(losses, dtype=torch.float64)})

    # one file, so that a task trains where the device is
    folder = scratch / "training"
    trained = folder / "classifier.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    if not complete(profile, Work("style classifier", folder, [trained], is_kept, lambda: make)):
        return
    weights = load_file(trained)
    losses = weights.pop(LOSSES).tolist()
    network.cpu().load_state_dict(weights)
    style_classifier.save(network, Path(p.folder))
    accuracy = {name: accuracy_by_level(network, t) for name, t in (("train", train), ("held out", held_out))}
    write_accuracy(profile.classifier_accuracy, held_out.sigma, accuracy)
    write_curve(profile.classifier_loss, losses, points=200)


if __name__ == "__main__":
    main(run)
