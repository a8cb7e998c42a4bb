import os
from collections.abc import Iterator

import pytest

# No test may ask the network for a model.
os.environ["HF_HUB_OFFLINE"] = "1"
# Tests look into the process that samples; tests/profile/test_workers.py has the others.
os.environ["REPULSION_WORKERS"] = "1"


@pytest.fixture(autouse=True)
def no_model_of_another_test() -> Iterator[None]:
    """Models are loaded once in a process, by their paths; tests have folders of their own with the same relative ones."""
    from pipeline.sampling.particle_sets import model_hash, pipeline_of

    for step in (0, 1):
        pipeline_of.cache_clear()
        model_hash.cache_clear()
        if not step:
            yield
