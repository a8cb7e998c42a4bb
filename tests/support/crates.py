"""The public validator of RO-Crates without a network: it gets the terms that our crate uses from here."""

from pathlib import Path

from rdflib.plugins.shared.jsonld import context as jsonld
from rocrate_validator import models, services

# Of the contexts of RO-Crate 1.1 and of Workflow Run Crate: what is not schema.org's own name.
TERMS = {
    "@vocab": "http://schema.org/",
    "File": "http://schema.org/MediaObject",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "conformsTo": {"@id": "http://purl.org/dc/terms/conformsTo"},
    "md5": "https://w3id.org/ro/terms/workflow-run#md5",
}


def issues(folder: Path, profile: str, monkeypatch) -> list[str]:
    """What does not conform, by the validator, in a crate's metadata."""
    monkeypatch.setattr(jsonld, "source_to_json", lambda *_, **__: ({"@context": TERMS}, None))
    settings = models.ValidationSettings(
        rocrate_uri=models.URI(str(folder)),
        profile_identifier=profile,
        requirement_severity=models.Severity.REQUIRED,
        offline=True,
        metadata_only=True,
    )
    found = services.validate(settings)
    return [f"{one.check.identifier} {one.violatingEntity}: {one.message}" for one in found.get_issues()]
