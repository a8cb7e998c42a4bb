"""The style classifier's stage at toy size, and its figure."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
import torch
from families import stable_diffusion_3
from toy import toy_pipeline

from analysis.figures.sampling import classifier_accuracy
from pipeline.profile.profile import Profile, read_profile
from pipeline.profile.prompts import named_prompts
from pipeline.stages import style_classifier as stage
from pipeline.stages.style_classifier import accuracy_by_level
from pipeline.training import trajectories
from pipeline.training.trajectories import Trajectories, split
from repulsion.core.errors import BadInput
from repulsion.diffusion.denoiser import Denoiser
from repulsion.diffusion.families.registry import family_of
from repulsion.diffusion.levels import noise_levels, sigma_table
from repulsion.forces import style_classifier as classifier
from repulsion.forces.style_classifier import StyleClassifier
from repulsion.tensors.noise import particle_noise

ROOT = Path(__file__).parents[2]
PROMPTS = [("a painting of a vase, by ambrel", 0), ("a painting of a cat, by estrow", 4)]


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Profile:
    monkeypatch.chdir(tmp_path)
    toy_pipeline("epsilon").save_pretrained("model")
    whole = read_profile(ROOT / "params.yaml")
    p = whole.style_classifier
    training = dataclasses.replace(p.training, steps=30, batch=16, checkpoint_every=10)
    small = dataclasses.replace(p, folder="folder", train=2, held_out=1, width=32, features=8, training=training)
    sampling = dataclasses.replace(whole.sampling, levels=3)
    return dataclasses.replace(whole, model="model", style_classifier=small, sampling=sampling)


def test_trajectories_are_the_latents_of_plain_sampling(profile):
    t = trajectories.trajectories(profile, PROMPTS, 3, Path("kept"))
    assert t.x.shape == (6, 3, 4, 8, 8) and t.artist.tolist() == [0, 0, 0, 4, 4, 4]
    pipe = toy_pipeline("epsilon")
    sigmas = noise_levels("linspace", sigma_table(pipe.scheduler.alphas_cumprod), 3)
    assert torch.allclose(t.sigma, sigmas[:-1].float())
    start = particle_noise(profile.style_classifier.seed, PROMPTS[1][0], [2], "start", (4, 8, 8))
    assert torch.allclose(t.x[5, 0], start[0] * sigmas[0])
    with torch.no_grad():  # the second level is one Euler step from the first, in the set of this prompt
        x = t.x[3:6, 0]
        x0 = Denoiser(pipe, PROMPTS[1][0], 8.0, 128)(x, sigmas[0].item())
    step = x + (sigmas[1] - sigmas[0]).item() * (x - x0) / sigmas[0].item()
    assert torch.allclose(t.x[3:6, 1], step, rtol=1e-3, atol=1e-3)


def test_trajectories_of_a_flow_leave_out_the_level_without_an_image(profile):
    torch.manual_seed(0)
    pipe = stable_diffusion_3()
    pipe.save_pretrained("flow")
    t = trajectories.trajectories(dataclasses.replace(profile, model="flow"), PROMPTS, 3, Path("kept"))
    sigmas = family_of(pipe).sigmas("linspace", 3, (None, None))
    assert torch.isinf(sigmas[0]) and torch.equal(t.sigma, sigmas[1:-1].float())
    assert t.x.shape == (6, 2, 16, 8, 8) and torch.isfinite(t.x).all()


def test_a_restart_samples_no_prompt_twice(profile, monkeypatch):
    profile = dataclasses.replace(
        profile, sampling=dataclasses.replace(profile.sampling, batch=4)
    )  # a prompt at a time
    whole = trajectories.trajectories(profile, PROMPTS, 2, Path("whole"))
    one, made = trajectories.sample_trajectories, []

    def killed(profile, prompts, n, load):
        if len(made) == 1:
            raise KeyboardInterrupt
        made.append(prompts)
        return one(profile, prompts, n, load)

    monkeypatch.setattr(trajectories, "sample_trajectories", killed)
    with pytest.raises(KeyboardInterrupt):
        trajectories.trajectories(profile, PROMPTS, 2, Path("kept"))
    made.clear()
    again = trajectories.trajectories(profile, PROMPTS, 2, Path("kept"))
    assert made == [[PROMPTS[1][0]]] and torch.equal(again.x, whole.x) and torch.equal(again.x0, whole.x0)


def test_prompts_sampled_together_are_as_they_are_alone(profile):
    together = trajectories.trajectories(profile, PROMPTS, 2, Path("together"))
    alone = dataclasses.replace(profile, sampling=dataclasses.replace(profile.sampling, batch=4))
    apart = trajectories.trajectories(alone, PROMPTS, 2, Path("alone"))
    assert len(list(Path("together").iterdir())) == 1 and len(list(Path("alone").iterdir())) == 2
    assert torch.allclose(together.x, apart.x, rtol=1e-3, atol=1e-3) and torch.equal(together.artist, apart.artist)


def test_split_keeps_starts_apart():
    x = torch.arange(6.0).view(6, 1, 1, 1, 1)
    t = Trajectories(x, x[:, 0] + 10, torch.ones(1), torch.tensor([0, 0, 0, 1, 1, 1]))
    train, held_out = split(t, 3, 2)
    assert train.x.flatten().tolist() == [0, 1, 3, 4] and held_out.x.flatten().tolist() == [2, 5]
    assert held_out.artist.tolist() == [0, 1] and held_out.x0.flatten().tolist() == [12, 15]


def test_accuracy_by_level_by_hand():
    class Reader(StyleClassifier):
        """Names the number written into the latent, at sigma 1; always 0 at sigma 2."""

        def forward(self, x, sigma):
            written = torch.where(sigma == 1, x[:, 0, 0, 0], 0).long()
            return torch.nn.functional.one_hot(written, 20).float()

    x = torch.zeros(4, 2, 4, 8, 8)
    x[:, :, 0, 0, 0] = torch.tensor([0.0, 1, 2, 7]).view(4, 1)
    t = Trajectories(x, x[:, 0], torch.tensor([2.0, 1.0]), torch.tensor([0, 1, 2, 3]))
    assert accuracy_by_level(Reader(("a",), 8, 32, 8), t) == [0.25, 0.75]


def test_prompts_name_every_subject_and_artist():
    assert named_prompts("painting", ("vase", "cat"), ["a", "b"]) == [
        ("a painting of a vase, by a", 0),
        ("a painting of a cat, by a", 0),
        ("a painting of a vase, by b", 1),
        ("a painting of a cat, by b", 1),
    ]


def test_the_stage_writes_network_accuracy_and_loss_and_the_figure_draws_them(profile):
    profile.artists_file.parent.mkdir(parents=True)
    profile.artists_file.write_text("artist\nambrel\nestrow\n")
    small = dataclasses.replace(profile.style_classifier, subjects=("vase",))
    profile = dataclasses.replace(profile, style_classifier=small)
    stage.run(profile)
    accuracy = pd.read_csv(profile.classifier_accuracy)
    assert len(accuracy) == 6 and set(accuracy["set"]) == {"train", "held out"}
    assert accuracy["accuracy"].between(0, 1).all()
    network = classifier.load(Path("folder"))
    assert network.features(torch.zeros(2, 4, 8, 8), torch.ones(2)).shape == (2, 8)
    assert network.config["artists"] == ["ambrel", "estrow"]
    assert len(profile.classifier_loss.read_text().splitlines()) == 31
    assert [p.name for p in profile.scratch.glob("*")] == ["style_classifier"]  # kept until other inputs come
    assert len(classifier_accuracy.draw(profile, [])["classifier_accuracy"].axes) == 1


def test_bad_settings_and_folders(profile, tmp_path):
    with pytest.raises(BadInput, match="held_out: expected at least 1, got 0"):
        dataclasses.replace(profile.style_classifier, held_out=0)
    with pytest.raises(BadInput, match="config.json is missing"):
        classifier.load(tmp_path)
    with pytest.raises(BadInput, match="latent size: expected 4 times a power of two, got 12"):
        StyleClassifier(("a",), 12, 32, 8)
