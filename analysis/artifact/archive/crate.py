"""A profile's run as an RO-Crate of the Provenance Run profile: dvc.yaml is the workflow, and every stage of dvc.lock a
step and an action with its code, its inputs and its outputs, each by the hash that DVC recorded.

DVC keeps no times: the actions have none. Outputs that git does not keep are named, with their hashes, not included.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dvc
from rocrate.model.computationalworkflow import ComputationalWorkflow
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from analysis.artifact.archive.release import LICENCE, citation, date, version
from analysis.artifact.hashes import NOT_IN_GIT
from analysis.study.settings import Study
from repulsion.core.files import read_yaml

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
DVC = {"@type": "ComputerLanguage", "name": "DVC", "url": "https://dvc.org/", "identifier": "https://dvc.org/"}
TERMS = "https://w3id.org/ro/terms/workflow-run/context"


def crate_of(study: Study) -> dict[str, Any]:
    """The content of ro-crate-metadata.json: the same for the same commit."""
    crate, cited = ROCrate(gen_preview=False, version="1.1"), citation()
    crate.metadata.extra_contexts.append(TERMS)
    crate.name, crate.description, crate.license = cited["title"], cited["abstract"], LICENCE
    crate.root_dataset["version"], crate.keywords = version(), cited["keywords"]
    crate.root_dataset["datePublished"] = date()
    group = add(crate, "#authors", "Organization", name=cited["authors"][0]["name"])
    crate.root_dataset["author"] = group
    crate.root_dataset["publisher"] = group
    crate.root_dataset["conformsTo"] = [
        add(crate, uri, "CreativeWork", name=name, version=of) for uri, (name, of) in PROFILES.items()
    ]
    add(crate, LICENCE, "CreativeWork", name="Apache License 2.0", identifier=LICENCE)
    language = crate.add(ContextEntity(crate, "https://dvc.org/", properties=DVC))
    lock = Path(study.here) / "dvc.lock"
    workflow = workflow_of(crate, study, language)
    order = list(read_yaml(lock.with_name("dvc.yaml"))["stages"])
    found = read_yaml(lock)["stages"]
    stages = {name: found[name] for name in sorted(found, key=lambda n: (order.index(n.partition("@")[0]), n))}
    runs = {name: action_of(crate, name, stage, group) for name, stage in stages.items()}
    run = whole(crate, study, workflow, stages, group)
    steps(crate, workflow, run, runs, group)
    crate.root_dataset["mentions"] = [run, *runs.values()]
    found = crate.metadata.generate()
    found["@graph"].sort(key=lambda entity: entity["@id"])
    return json.loads(json.dumps(found, sort_keys=True))


def add(crate: ROCrate, ident: str, kind: str, /, **properties: Any) -> ContextEntity:
    """An entity beside the files, made once."""
    return crate.dereference(ident) or crate.add(ContextEntity(crate, ident, properties={"@type": kind, **properties}))


def workflow_of(crate: ROCrate, study: Study, language: ContextEntity) -> ComputationalWorkflow:
    path = str(Path(study.here) / "dvc.yaml")
    about = {"name": f"Repulsion Bench, profile {study.profile}: prompts to report", "license": {"@id": LICENCE}}
    about["@type"] = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    workflow = crate.add(ComputationalWorkflow(crate, path, path, properties=about))
    workflow["programmingLanguage"] = language
    crate.mainEntity = workflow
    return workflow


def data(crate: ROCrate, entry: dict[str, Any]) -> Any:
    """A file or folder that a stage read or wrote; one that git does not keep is not part of the crate."""
    path, folder = entry["path"], entry["md5"].endswith(".dir")
    about = {"name": path, "md5": entry["md5"].removesuffix(".dir"), "contentSize": str(entry.get("size", ""))}
    if NOT_IN_GIT.fullmatch(path) or not Path(path).exists():
        about["description"] = "Not in this crate: a run makes it. The hash is DVC's."
        return add(crate, f"#{path}", "CreativeWork", **about)
    known = crate.dereference(path + "/" if folder else path)
    if known:
        return known
    if folder:
        return crate.add_directory(path, path, properties=about)
    return crate.add_file(path, path, properties=about)


def code_of(stage: dict[str, Any]) -> str:
    """The file that a stage runs; of several, the last."""
    lines = stage["cmd"] if isinstance(stage["cmd"], list) else [stage["cmd"]]
    return lines[-1].split("python -m ")[1].split()[0].replace(".", "/") + ".py"


def action_of(crate: ROCrate, name: str, stage: dict[str, Any], agent: ContextEntity) -> ContextEntity:
    """A stage's run. Parameters are values of the action's inputs, as DVC recorded them."""
    file = code_of(stage)
    tool = crate.dereference(file) or crate.add_file(
        file,
        file,
        properties={"@type": ["File", "SoftwareApplication"], "name": file, "version": version()},
    )
    used = [data(crate, dep) for dep in stage.get("deps", ()) if dep["path"] != file]
    for source, values in stage.get("params", {}).items():
        for key, value in values.items():
            about = {"name": f"{source}: {key}", "value": json.dumps(value, sort_keys=True)}
            used.append(add(crate, f"#{name}/{source}:{key}", "PropertyValue", **about))
    return add(
        crate,
        f"#run/{name}",
        "CreateAction",
        name=f"Stage {name}",
        description=stage["cmd"] if isinstance(stage["cmd"], str) else " && ".join(stage["cmd"]),
        instrument=tool,
        object=used,
        result=[data(crate, out) for out in stage.get("outs", ())],
        agent=agent,
        actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
    )


def steps(
    crate: ROCrate, workflow: Any, run: ContextEntity, runs: dict[str, ContextEntity], agent: ContextEntity
) -> None:
    """Which file each step of the workflow runs, and that DVC ran the steps."""
    tools = {name: one["instrument"] for name, one in runs.items()}
    workflow["hasPart"] = list({tool.id: tool for tool in tools.values()}.values())
    ordered, controls = [], []
    for k, (name, tool) in enumerate(tools.items()):
        step = add(crate, f"#step/{name}", "HowToStep", name=name, position=str(k), workExample=tool)
        about = {"instrument": step, "object": runs[name], "agent": agent}
        controls.append(add(crate, f"#control/{name}", "ControlAction", name=f"DVC ran {name}", **about))
        ordered.append(step)
    workflow["step"] = ordered
    engine = add(
        crate, "#dvc", "SoftwareApplication", name="DVC", url="https://dvc.org/", softwareVersion=dvc.__version__
    )
    about = {"instrument": engine, "object": controls, "result": run, "agent": agent}
    add(crate, "#organize", "OrganizeAction", name="DVC ran the workflow", **about)


def whole(crate: ROCrate, study: Study, workflow: Any, stages: dict[str, Any], agent: ContextEntity) -> ContextEntity:
    """The run of the workflow: what no stage made is its input, what the stages made its output."""
    outs = {out["path"]: out for stage in stages.values() for out in stage.get("outs", ())}
    deps = {dep["path"]: dep for stage in stages.values() for dep in stage.get("deps", ())}
    inputs = [dep for path, dep in deps.items() if not any(path == o or o.startswith(path + "/") for o in outs)]
    return add(
        crate,
        "#run",
        "CreateAction",
        name=f"dvc repro {study.here}dvc.yaml",
        instrument=workflow,
        object=[data(crate, dep) for dep in inputs],
        result=[data(crate, out) for out in outs.values()],
        agent=agent,
        actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
    )
