"""What analysis reads: image sets, features and tables, each whole and of what it is named for, or one line that says
what is not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from analysis.study.settings import Study
from pipeline.profile.profile import Profile, read_profile
from pipeline.profile.prompts import read_prompts
from pipeline.sets.feature_sets import FeatureSet, read_features, require_set
from pipeline.sets.image_sets import manifest_hash, read_forces, read_manifest
from pipeline.sets.records import AGAIN, ForceRecord, columns_of, require_images
from repulsion.core.errors import BadInput, one_line
from repulsion.core.files import read_text, read_yaml


def sweep_profile(study: Study) -> Profile:
    return read_profile(Path("profiles") / study.analysis.sweep / "params.yaml")


def swept(study: Study) -> bool:
    """Whether the sweep was of this study's model."""
    return sweep_profile(study).model == study.model


def images_of(study: Study, name: str) -> list[tuple[str, int]]:
    """The images (prompt_id, index) that a set has by the profile, in order."""
    return study.images(name, [p.prompt_id for p in read_prompts(study.prompts_file)], study.artist_count)


def manifest_of(study: Study, name: str) -> pd.DataFrame:
    """The manifest of a set. Raises BadInput unless it lists the set's images, all of them, in order."""
    path = study.samples(name)
    manifest = read_manifest(path)
    require_images(path, manifest, name, images_of(study, name))
    return pd.DataFrame(manifest)


def features_of(study: Study, name: str) -> FeatureSet:
    """The features of a set. Raises BadInput unless they are of the set's images, all of them, in order, by the
    profile's encoder; where those images exist, of just these."""
    path = study.features(name)
    features = read_features(path)
    require_set(features, name, path)
    if features.encoder.split()[0] != study.encoder.name:
        raise BadInput(f"{path}: features of encoder {features.encoder}, expected {study.encoder.name}")
    if list(zip(features.prompt_id.tolist(), features.index.tolist(), strict=True)) != images_of(study, name):
        raise BadInput(f"{path}: its rows are not the images of the set {name}; delete it and run dvc repro again")
    images = study.samples(name)
    if images.is_file() and features.manifest != manifest_hash(images):
        raise BadInput(f"{path}: not made of the images of {images}; delete it and run dvc repro again")
    return features


def forces_of(study: Study, name: str) -> pd.DataFrame:
    """The recorded forces of a method; none where it does not repel. Raises BadInput unless every particle set has them
    at the same noise levels, each a finite number."""
    path, p = study.samples(name), study.sampling
    forces = pd.DataFrame(read_forces(path), columns=columns_of(ForceRecord))
    repels = bool(read_yaml(Path(study.methods_file))[name].get("repel")) and p.particles > 1
    expected = [image for image in images_of(study, name) if image[1] % p.particles == 0] if repels else []
    levels = {ids: tuple(some["level"]) for ids, some in forces.groupby(["prompt_id", "first_index"], sort=False)}
    if list(levels) != expected or len(set(levels.values())) > 1:
        ids = next((ids for ids in (*expected, *levels) if levels.get(ids) != next(iter(levels.values()), ())), None)
        raise BadInput(f"{path}: forces of {ids or 'its particle sets'} are not as they were recorded; {AGAIN}")
    if not np.isfinite(forces[["sigma", "score_norm", "repulsion_norm"]].to_numpy(float)).all():
        raise BadInput(f"{path}: forces that are not finite; {AGAIN}")
    return forces


def table_at(
    path: Path,
    axes: Sequence[Sequence[str]],
    numbers: Sequence[str],
    maker: str,
    optional: Sequence[str] = (),
    **options: Any,
) -> pd.DataFrame:
    """A CSV in which every combination of the axes' values is one row (an axis is one column, or several that go
    together), `numbers` are finite, and those that are `optional` finite or empty. Raises BadInput for anything else,
    and names what makes the file."""
    numbers = [*numbers, *optional]
    columns = [*chain(*axes), *numbers]
    if not path.is_file():
        raise BadInput(f"no {path}; {maker} writes it")
    try:
        empty = {name: [""] for name in numbers}
        table = pd.read_csv(path, encoding="utf-8", **({"keep_default_na": False, "na_values": empty} | options))
    except ValueError as error:  # pandas' own errors and UnicodeDecodeError, too
        raise BadInput(f"{path}: cannot be read ({one_line(error)}); {maker} writes it") from None
    if missing := [name for name in columns if name not in table]:
        raise BadInput(f"{path}: no column {missing[0]}; got {', '.join(table)}; {maker} writes it")
    if table.empty:
        raise BadInput(f"{path}: no rows; {maker} writes it")
    for name in numbers:
        empty = table[name].isna().any() and name not in optional
        if empty or not is_numeric_dtype(table[name]) or np.isinf(table[name]).any():
            kind = "finite numbers or empty cells" if name in optional else "finite numbers"
            raise BadInput(f"{path}: column {name}: expected {kind}; {maker} writes it")
    require_every_row(table, axes, path, maker)
    return table


def require_every_row(table: pd.DataFrame, axes: Sequence[Sequence[str]], path: Path, maker: str) -> None:
    """Raise BadInput, which names the first, for a combination of the axes' values that is not there once."""
    values = [list(dict.fromkeys(table[list(axis)].itertuples(index=False, name=None))) for axis in axes]
    counts = Counter(table[list(chain(*axes))].itertuples(index=False, name=None))
    for parts in product(*values):
        if (times := counts[row := tuple(chain(*parts))]) != 1:
            named = ", ".join(f"{column} {value}" for column, value in zip(chain(*axes), row, strict=True))
            raise BadInput(f"{path}: the row of {named} is listed {times} times, expected once; {maker} writes it")


def json_at(path: Path, maker: str) -> Any:
    """The content of a JSON file. Raises BadInput for one that is missing or no JSON, and names what makes it."""
    if not path.is_file():
        raise BadInput(f"no {path}; {maker} writes it")
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise BadInput(f"{path}: not JSON ({one_line(error)}); {maker} writes it") from None
