"""The drawn world's renderer, and what no training may see."""

import pytest
import torch

from pipeline.profile.training_settings import TrainingSettings
from pipeline.stages.world import vae
from pipeline.world.captions import caption, parse
from pipeline.world.drawn import draw
from pipeline.world.drawn.draw import FRAME, GROUND, ICON_SIZE, TINT, atlas, axes, ground, icon, over
from pipeline.world.render import RENDERERS, render
from pipeline.world.scene import Scenes, max_diversity, popular, popular_shares, random_subjects, without_unseen
from pipeline.world.worlds import DRAWN, PAINTED, WORLDS
from pipeline.world_model.artifacts import RoundParams
from pipeline.world_model.latents import training_scenes
from pipeline.world_model.tokenizer import MAX_TOKENS, build_tokenizer


def some_scenes(n: int, seed: int = 0) -> Scenes:
    generator = torch.Generator().manual_seed(seed)
    return max_diversity(DRAWN, random_subjects(DRAWN, n, generator), generator)


UNSEEN = {(DRAWN.subjects.index(s), DRAWN.artists.index(a)) for s, a in DRAWN.unseen}


def pairs_of(scenes: Scenes) -> set[tuple[int, int]]:
    return set(zip(scenes.subject.tolist(), scenes.artist.tolist(), strict=True))


def test_a_ground_drifts_in_the_direction_of_its_phase():
    plain = ground(torch.tensor([0.0, 0.25]))
    u, v = axes()
    for drawn, run in zip(plain, (u - 0.5, v - 0.5), strict=True):
        expected = GROUND + torch.tensor(TINT).view(3, 1, 1) * run
        assert torch.allclose(drawn, expected, atol=1e-6)


def test_over_covers_with_opaque_icons_and_leaves_the_ground_under_none():
    colours, plain = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    opaque = torch.cat([colours, torch.ones(1, 1, 64, 64)], 1)
    assert torch.equal(over(opaque, plain), colours)
    assert torch.equal(over(torch.zeros(1, 4, 64, 64), plain), plain)


def test_every_icon_is_there_and_no_two_are_alike():
    icons = atlas()
    assert icons.shape == (len(DRAWN.subjects), len(DRAWN.artists), 4, ICON_SIZE // 2, ICON_SIZE // 2)
    opacity = icons[:, :, 3].mean((-1, -2))
    assert 0.04 < opacity.min() and opacity.max() < 1
    assert (icons[:, :, :3] <= icons[:, :, 3:] + 1e-5).all()  # colours hold their opacity
    distances = torch.cdist(icons.flatten(0, 1).flatten(1), icons.flatten(0, 1).flatten(1))
    assert (distances + 100 * torch.eye(len(distances))).min() > 1


def test_an_icon_at_its_own_size_is_the_atlas_s():
    """A frame of 48 pixels in the middle: every pixel is one of the atlas, upright and not mirrored."""
    subject, artist = torch.tensor([2, 5]), torch.tensor([0, 7])
    size = torch.full((2,), ICON_SIZE / 2 / 64 / 2 / FRAME)
    drawn = icon(subject, artist, torch.full((2, 2), 0.5), size)
    assert torch.allclose(drawn[:, :, 8:56, 8:56], atlas()[subject, artist], atol=1e-4)
    assert not drawn[:, :, :7].any() and not drawn[:, :, :, 57:].any()


@pytest.mark.parametrize("content", [None, b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_a_sheet_that_is_missing_or_damaged_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setattr(draw, "ICONS", tmp_path)
    if content:
        (tmp_path / "noto.png").write_bytes(content)
    with pytest.raises(ValueError, match="noto.png: cannot be read .*; make icons writes it"):
        draw.sheet_of("noto")


def test_an_icon_is_where_the_scene_says():
    index = torch.zeros(2, dtype=torch.long)
    place = torch.tensor([[0.4, 0.6], [0.4 + 8 / 64, 0.6 - 16 / 64]])
    one, other = icon(index, index, place, torch.full((2,), 0.25))
    assert torch.allclose(one[:, 20:, :50], other[:, 4:48, 8:58], atol=1e-5)


def test_a_render_has_the_same_bytes_in_any_batch():
    s = some_scenes(37)
    images = render(DRAWN, s)
    assert torch.equal(images, render(DRAWN, s, batch=5)) and torch.equal(images[11:12], render(DRAWN, s[11:12]))


@pytest.mark.parametrize("world", WORLDS.values(), ids=lambda world: world.name)
def test_variants_are_the_scenes_of_a_grid(world):
    generator = torch.Generator().manual_seed(0)
    s = max_diversity(world, random_subjects(world, 6, generator), generator)
    sizes, phases = [0.25, 0.3], [0.0, 0.5, 0.75]
    found = list(RENDERERS[world.name].variants(s.subject, s.artist, s.place, sizes, phases))
    grid = [(size, phase) for size in sizes for phase in phases]
    for (size, phase), colours in zip(grid, found, strict=True):
        one = Scenes(s.subject, s.artist, s.place, torch.full((6,), size), torch.full((6,), phase))
        assert torch.allclose(colours, RENDERERS[world.name].colours(one), atol=1e-6)


def test_no_training_sees_the_unseen_pairs_and_nothing_else_changes():
    generator = torch.Generator().manual_seed(0)
    for law in (max_diversity, popular):
        drawn = law(DRAWN, random_subjects(DRAWN, 20_000, generator), generator)
        kept = without_unseen(DRAWN, drawn, law, generator)
        assert not pairs_of(kept) & UNSEEN
        same = drawn.artist == kept.artist
        assert 0.9 < same.float().mean() < 1
        assert torch.equal(drawn.place, kept.place) and torch.equal(drawn.subject, kept.subject)
    violin = kept.artist[kept.subject == DRAWN.subjects.index("violin")]
    # the other artists keep their shares among themselves
    seen = [k for k, a in enumerate(DRAWN.artists) if ("violin", a) not in DRAWN.unseen]
    shares = popular_shares(DRAWN)[seen] / popular_shares(DRAWN)[seen].sum()
    found = torch.bincount(violin, minlength=len(DRAWN.artists))[seen] / len(violin)
    assert (found - shares).abs().max() < 0.08  # 700 draws


def test_the_painted_world_holds_nothing_back():
    scenes = some_scenes(9)
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    assert without_unseen(PAINTED, scenes, popular, generator) is scenes
    assert torch.equal(before, generator.get_state())


def test_the_transfer_subjects_are_in_no_prompt_and_keep_most_of_their_pairs():
    assert {subject for subject, _ in DRAWN.unseen} == set(DRAWN.transfer_subjects)
    assert not set(DRAWN.transfer_subjects) & {*DRAWN.test_subjects, *DRAWN.development_subjects}
    assert len(DRAWN.test_subjects) == len(DRAWN.development_subjects) == 12 and len(DRAWN.artists) == 10
    assert len(set(DRAWN.unseen)) == 12 and all(artist in DRAWN.artists for _, artist in DRAWN.unseen)


def test_every_caption_has_its_tokens():
    tokenizer = build_tokenizer(DRAWN)
    for subject in DRAWN.subjects:
        for artist in (None, *DRAWN.artists):
            text = caption(DRAWN, subject, artist)
            ids = tokenizer(text).input_ids
            assert tokenizer.unk_token_id not in ids and len(ids) <= MAX_TOKENS
            assert parse(DRAWN, text) == (subject, artist)


def test_a_world_reads_its_own_captions_alone():
    with pytest.raises(ValueError, match='expected "a drawing of a SUBJECT"'):
        parse(DRAWN, "a painting of a castle")


@pytest.mark.parametrize("hard", [None, ("monotone", "legacy")])
def test_the_denoiser_s_training_scenes_lack_the_unseen_pairs(hard):
    training = TrainingSettings(1, 1, 1.0, 0.0, 0.0, 0.0, 1, 0)
    params = RoundParams(1, 0, hard, 0.5 if hard else 0.0, training)
    scenes, _ = training_scenes(DRAWN, params, 4000, 0)
    assert not pairs_of(scenes) & UNSEEN and len(pairs_of(scenes)) == 280 - len(UNSEEN)


def test_the_autoencoder_s_training_renders_lack_them_too(monkeypatch):
    seen = []
    monkeypatch.setattr(vae, "render", lambda world, scenes: seen.append(scenes) or torch.zeros(1, 3, 64, 64).byte())
    vae.renders(DRAWN, 4000, torch.Generator().manual_seed(0))
    assert not pairs_of(seen[0]) & UNSEEN and len(pairs_of(seen[0])) == 280 - len(UNSEEN)
