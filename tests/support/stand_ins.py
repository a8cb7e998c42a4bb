"""Random weights where the real ones are a download: a small Stable Diffusion 2 in a folder, InceptionV3 as it is."""

import csv
import warnings
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
import yaml
from transformers import PreTrainedTokenizerBase

from pipeline.machine.stand_in import SMALL, random_pipeline, tokenizer

SD2 = Path(__file__).parents[2] / "profiles" / "sd2"


def texts() -> list[str]:
    artists = yaml.safe_load((SD2 / "params.yaml").read_text())["prompts"]["artists"]
    with (SD2 / "prompts.csv").open(newline="") as file:
        return [f"{row['prompt']}, by {', '.join(artists)}" for row in csv.DictReader(file)]


@cache
def trained_words() -> PreTrainedTokenizerBase:
    return tokenizer(texts(), 250)


def words() -> PreTrainedTokenizerBase:
    """Few pieces of words, so that a text of a dozen artists is too long, as fifty are for CLIP. A copy of one's own."""
    return deepcopy(trained_words())


def small_model(folder: Path, prediction_type: str) -> None:
    """A small Stable Diffusion 2 with random weights, in a folder."""
    shape = SMALL | {"scheduler": SMALL["scheduler"] | {"prediction_type": prediction_type}}
    random_pipeline(shape, words(), torch.float32, "cpu", 0).save_pretrained(folder)


def inception_weights() -> dict[str, torch.Tensor]:
    """Of the real architecture, in the state that clean-fid would load."""
    from cleanfid import inception_pytorch

    torch.manual_seed(0)
    kept = {}

    class Stop(Exception):
        pass

    def record(self, state):
        kept.update(self.state_dict())
        raise Stop

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(inception_pytorch, "load_state_dict_from_url", lambda url, progress: {})
        patch.setattr(torch.nn.Module, "load_state_dict", record)
        with pytest.raises(Stop):
            inception_pytorch.fid_inception_v3()
    return kept
