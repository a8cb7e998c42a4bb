"""Margins and tolerances that are accepted before anything is sampled."""

from dataclasses import replace

import pytest
import yaml
from profile_values import PROFILES, ROOT

from analysis.stages import prompts
from analysis.study.known_metrics import require_known_metrics
from analysis.study.settings import Study, Tolerances
from pipeline.profile import stage
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput


def with_analysis(**changes) -> Study:
    study = read_profile(ROOT / "params.yaml", Study)
    return replace(study, analysis=replace(study.analysis, **changes))


@pytest.mark.parametrize("path", PROFILES.values(), ids=PROFILES)
def test_every_profile_passes(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    require_known_metrics(read_profile(path, Study))


def test_a_margin_with_a_typing_error():
    with pytest.raises(
        BadInput, match="unknown metric of analysis.margins: 'subject_acuracy'; expected one of frechet"
    ):
        require_known_metrics(with_analysis(margins={"subject_accuracy": -0.03, "subject_acuracy": -0.03}))


def test_a_margin_on_a_metric_that_is_not_of_quality():
    with pytest.raises(BadInput, match="unknown metric of analysis.margins: 'vendi'"):
        require_known_metrics(with_analysis(margins={"vendi": -0.03}))


def test_a_margin_that_the_encoder_does_not_read_or_that_the_findings_lack():
    study = read_profile(ROOT / "profiles" / "sd2" / "params.yaml", Study)
    margins = replace(study.analysis, margins={"subject_accuracy": -0.03})
    with pytest.raises(
        BadInput, match="unknown metric of analysis.margins: 'subject_accuracy'; expected one of frechet"
    ):
        require_known_metrics(replace(study, analysis=margins))
    with pytest.raises(BadInput, match="analysis.margins: missing key 'subject_accuracy', which the findings"):
        require_known_metrics(with_analysis(margins={"precision": -0.1}))


def test_a_tolerance_in_images_is_of_a_share_of_images():
    with pytest.raises(BadInput, match="unknown share of images, .*: 'frechet'; expected one of subject_accuracy"):
        require_known_metrics(with_analysis(check={"frechet": Tolerances(images=1)}))


def test_a_tolerance_with_a_typing_error():
    tolerance = Tolerances(relative=0.1, absolute=0.0)
    with pytest.raises(BadInput, match="unknown metric of analysis.check: 'frechett'; expected one of frechet"):
        require_known_metrics(with_analysis(check={"frechet": tolerance, "frechett": tolerance}))
    require_known_metrics(with_analysis(check={"vendi": tolerance, "drift": tolerance, "place_spread": tolerance}))


@pytest.mark.parametrize(
    "part,wrong", [("margins", {"kidd": -0.1}), ("check", {"kidd": {"relative": 0, "absolute": 1}})]
)
def test_a_profile_is_stopped_before_anything_is_sampled(part, wrong, tmp_path, monkeypatch):
    """As the first stage runs it, on a parameter file with one wrong name."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["analysis"][part] = wrong
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stage.sys, "argv", ["prompts", "params.yaml"])
    with pytest.raises(SystemExit, match=f"error: unknown metric of analysis.{part}: 'kidd'"):
        stage.main(prompts.run, kind=Study)


def test_a_floor_of_another_size_than_the_methods(tmp_path, monkeypatch):
    study = read_profile(ROOT / "params.yaml", Study)
    monkeypatch.chdir(tmp_path)
    study.artists_file.parent.mkdir(parents=True)
    study.artists_file.write_text("artist\nambrel\nboskin\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"4 sets of 30 are 120 images for each prompt, but max_div2 has 12 \(2 artists"):
        prompts.run(study)


def test_a_sweep_that_is_no_profile_is_noticed_before_anything_is_sampled(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(BadInput, match="profiles/swep/params.yaml"):
        prompts.run(with_analysis(sweep="swep"))
    prompts.require_sweep(with_analysis(sweep="small"))  # its own name, as a sweep has


def test_a_validation_that_is_not_there_is_noticed_before_anything_is_sampled(monkeypatch):
    monkeypatch.chdir(ROOT)
    prompts.require_validation(with_analysis())
    with pytest.raises(BadInput, match="validation: 'valid': no results/valid/curves.csv; make validate writes it"):
        prompts.run(with_analysis(validation="valid"))
