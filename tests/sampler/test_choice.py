"""The strengths that are reported are those that the sweep chose, on other prompts."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from repulsion.sampling.methods import METHODS_FILE

ROOT = Path(__file__).parents[2]
ROWS, SWEPT = (
    yaml.safe_load(path.read_text()) for path in (METHODS_FILE, ROOT / "profiles" / "sweep" / "methods.yaml")
)
CHOSEN = pd.read_csv(ROOT / "results" / "sweep" / "chosen.csv").set_index("family")
# Families of the sweep that have another name among the methods.
FAMILIES = {"less_guidance": "guidance", "guidance_interval": "guidance_from", "annealed_condition": "anneal"}


@pytest.mark.parametrize("name", [n for n in ROWS if FAMILIES.get(n, n) in CHOSEN.index])  # a row of one's own is free
def test_every_row_is_the_chosen_one_of_its_family(name):
    assert ROWS[name] == SWEPT[CHOSEN.loc[FAMILIES.get(name, name), "row"]]


def test_the_best_of_the_grid_is_the_row_with_the_largest_gain():
    assert ROWS["style_and_place"] == SWEPT[CHOSEN.loc[CHOSEN["gain"].idxmax(), "row"]]


def test_the_sweep_s_prompts_are_not_reported_on():
    prompts = pd.read_csv(ROOT / "prompts.csv").set_index("prompt_id")["split"]
    swept = pd.read_csv(ROOT / "results" / "sweep" / "prompts.csv")["prompt_id"]
    reported = pd.read_csv(ROOT / "results" / "small" / "prompts.csv")["prompt_id"]
    assert set(prompts[swept]) == {"development"} and set(prompts[reported]) == {"test"}


def test_the_table_of_rows_is_whole():
    rows = pd.read_csv(ROOT / "results" / "sweep" / "rows.csv")
    assert rows["row"].tolist() == list(SWEPT)
