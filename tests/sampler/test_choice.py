"""The strengths that are reported are those that the sweep chose, on other prompts."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.stages import sweep as sweep_stage
from analysis.study.settings import Study
from pipeline.profile.profile import read_profile
from repulsion.core.errors import BadInput
from repulsion.sampling.methods import METHODS_FILE

ROOT = Path(__file__).parents[2]
# The methods of a profile, and the sweep that chose their strengths, from which rows.
ROWS = {
    "sweep": yaml.safe_load(METHODS_FILE.read_text()),
    "peers_sweep": yaml.safe_load(METHODS_FILE.read_text()),
    "flow_sweep": yaml.safe_load((ROOT / "profiles" / "flow" / "methods.yaml").read_text()),
}
PROFILES = {"sweep": "sweep", "peers_sweep": "peers_sweep", "flow_sweep": "sweep"}
SWEPT = {
    sweep: yaml.safe_load((ROOT / "profiles" / name / "methods.yaml").read_text()) for sweep, name in PROFILES.items()
}
CHOSEN = {sweep: pd.read_csv(ROOT / "results" / sweep / "chosen.csv").set_index("family") for sweep in ROWS}
# Families of the sweep that have another name among the methods.
FAMILIES = {"less_guidance": "guidance", "guidance_interval": "guidance_from", "annealed_condition": "anneal"}


@pytest.mark.parametrize("sweep", ROWS)
def test_every_row_is_the_chosen_one_of_its_family(sweep):
    rows, chosen = ROWS[sweep], CHOSEN[sweep]
    known = [n for n in rows if FAMILIES.get(n, n) in chosen.index]  # a row of one's own is free
    assert len(known) >= 13
    if sweep == "sweep":  # what both swept, the peers' sweep chooses: it has more strengths
        known = [n for n in known if n == "plain" or FAMILIES.get(n, n) not in CHOSEN["peers_sweep"].index]
    for name in known:
        assert rows[name] == SWEPT[sweep][chosen.loc[FAMILIES.get(name, name), "row"]], name


def test_every_published_method_was_swept_at_five_strengths():
    rows = pd.read_csv(ROOT / "results" / "peers_sweep" / "rows.csv", dtype={"strength": str})
    counts = rows[rows["gain"].notna()].groupby("family").size()
    single = [family for family in counts.index if counts[family] < 5]
    # candidates are a cost, not a strength; the last ones ask whether the energy matters in one space
    energies = [f"style_classifier_{e}" for e in ("dpp_likelihood", "rke", "sparse", "vendi", "volume")]
    assert sorted(single) == sorted(["best_of", "plain", "pruned", *energies])


def test_the_best_of_the_grid_is_the_row_with_the_largest_gain():
    chosen = CHOSEN["sweep"]
    assert ROWS["sweep"]["style_and_place"] == SWEPT["sweep"][chosen.loc[chosen["gain"].idxmax(), "row"]]


def test_a_family_without_a_row_within_the_margins_has_the_strength_of_the_u_net_s_sweep():
    chosen, rows = CHOSEN["flow_sweep"].index, ROWS["flow_sweep"]
    without = [n for n in rows if FAMILIES.get(n, n) not in chosen and not any(c.startswith(n) for c in chosen)]
    assert without == ["annealed_condition", "style_and_place"]
    first = CHOSEN["sweep"]
    assert rows["annealed_condition"] == SWEPT["sweep"][first.loc["anneal", "row"]]
    assert rows["style_and_place"] == ROWS["sweep"]["style_and_place"]


@pytest.mark.parametrize("sweep,reported", [("sweep", "small"), ("flow_sweep", "flow"), ("peers_sweep", "peers")])
def test_the_sweep_s_prompts_are_not_reported_on(sweep, reported):
    prompts = pd.read_csv(ROOT / "prompts.csv").set_index("prompt_id")["split"]
    swept = pd.read_csv(ROOT / "results" / sweep / "prompts.csv")["prompt_id"]
    reported = pd.read_csv(ROOT / "results" / reported / "prompts.csv")["prompt_id"]
    assert set(prompts[swept]) == {"development"} and set(prompts[reported]) == {"test"}


def test_rows_of_one_name_are_one_method_in_every_sweep():
    """So that a strength which one sweep chose can be looked up in another."""
    files = sorted((ROOT / "profiles").glob("*sweep/methods.yaml"))
    rows: dict[str, object] = {}
    for path in files:
        for name, row in yaml.safe_load(path.read_text()).items():
            assert rows.setdefault(name, row) == row, f"{path}: {name}"
    assert len(files) == 3


def test_a_sweep_does_not_overwrite_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # if it did, it would not be the shipped one
    with pytest.raises(BadInput, match="sweep: expected its own name 'small', got 'sweep'"):
        sweep_stage.run(read_profile(ROOT / "params.yaml", Study))


@pytest.mark.parametrize("sweep", ROWS)
def test_the_table_of_rows_is_whole(sweep):
    rows = pd.read_csv(ROOT / "results" / sweep / "rows.csv")
    assert rows["row"].tolist() == yaml.safe_load((ROOT / "profiles" / sweep / "params.yaml").read_text())["methods"]
    assert sweep == "flow_sweep" or set(rows["row"]) == set(SWEPT[sweep])
