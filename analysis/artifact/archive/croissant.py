"""The benchmark's data in Croissant: prompts, results, image sets and feature sets, their fields and their hashes.

Prompts and results are in git. Image sets and features are made by `make reproduce`: those that dvc.lock recorded have
its MD5 sums.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlcroissant as mlc

from analysis.artifact.archive.release import LICENCE, citation, date, version
from analysis.artifact.hashes import md5_of
from analysis.study.settings import Study
from pipeline.sets.feature_sets import SPACES
from repulsion.core.files import read_yaml

TEXT, INTEGER, FLOAT = mlc.DataType.TEXT, mlc.DataType.INTEGER, mlc.DataType.FLOAT
PROMPTS = {
    "prompt_id": (TEXT, "The prompt's name."),
    "prompt": (TEXT, "What the model is asked for."),
    "split": (TEXT, "development: strengths were chosen on it; test: results are reported on it."),
}
RESULTS = {
    "set": (TEXT, "A method's or a reference's image set."),
    "prompt_id": (TEXT, "The prompt's name."),
    "metric": (TEXT, "The metric, by the name that docs/metrics.md has."),
    "space": (TEXT, "The space of features; empty where the metric has none."),
    "against": (TEXT, "The other set of a distance; empty where there is none."),
    "value": (FLOAT, "The metric's value."),
}
IMAGES = {
    "file": (TEXT, "The PNG in the ZIP."),
    "prompt_id": (TEXT, "The prompt's name."),
    "set": (TEXT, "The image set."),
    "index": (INTEGER, "Of the prompt; particle sets are runs of it."),
    "seed": (TEXT, "The 63 bits that the image's noise starts from."),
    "sha256": (TEXT, "Of the PNG."),
}


def croissant_of(study: Study) -> dict[str, Any]:
    """The content of croissant.json: the same for the same commit. Raises mlcroissant's ValidationError for metadata
    that Croissant does not allow."""
    cited = citation()
    csvs = {"prompts-file": study.prompts.source, "results-file": str(study.expected)}
    files = [file_of(name, path, "text/csv", md5_of(Path(path))) for name, path in csvs.items()]
    stages = read_yaml(Path(study.here) / "dvc.lock")["stages"]
    sets = {name: stages[f"sample@{name}"] for name in study.methods}
    sets |= {name: stages[f"reference@{name}"] for name in study.references}
    for name, stage in sets.items():
        (out,) = stage["outs"]
        files.append(file_of(f"images-{name}", out["path"], "application/zip", out["md5"]))
        files.append(
            mlc.FileSet(
                id=f"manifest-{name}",
                name=f"manifest-{name}",
                contained_in=[f"images-{name}"],
                encoding_formats=["text/csv"],
                includes=["manifest.csv"],
            )
        )
    described = f"Arrays {', '.join(SPACES)}: a row for each image of a set, in its manifest's order."
    files.append(
        mlc.FileSet(
            id="features",
            name="features",
            description=described,
            encoding_formats=["application/x-npz"],
            includes=[str(study.features("*"))],
        )
    )
    records = [
        record_set("prompts", PROMPTS, file_object="prompts-file"),
        record_set("results", RESULTS, file_object="results-file"),
    ]
    records += [record_set(f"images-in-{name}", IMAGES, file_set=f"manifest-{name}") for name in sets]
    metadata = mlc.Metadata(
        name="repulsion-bench",
        description=cited["abstract"],
        license=[LICENCE],
        creators=[mlc.Organization(name=cited["authors"][0]["name"])],
        version=version(),
        date_published=date(),
        keywords=cited["keywords"],
        cite_as=f"{cited['authors'][0]['name']}: {cited['title']}, version {version()}",
        distribution=files,
        record_sets=records,
    )
    return metadata.to_json()


def file_of(name: str, path: str, kind: str, md5: str) -> mlc.FileObject:
    return mlc.FileObject(id=name, name=name, content_url=path, encoding_formats=[kind], md5=md5)


def record_set(name: str, columns: dict[str, tuple[Any, str]], **source: str) -> mlc.RecordSet:
    """Rows of a CSV file: a field for each column."""
    fields = [
        mlc.Field(
            id=f"{name}/{column}",
            name=column,
            description=about,
            data_types=[kind],
            source=mlc.Source(extract=mlc.Extract(column=column), **source),
        )
        for column, (kind, about) in columns.items()
    ]
    return mlc.RecordSet(id=name, name=name, fields=fields)
