"""The stages of the pipeline: one file each, named as in dvc.yaml (dials: of profiles/validation, the first half)."""
