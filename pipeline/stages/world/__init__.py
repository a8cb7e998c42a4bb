"""The stages that make the painted world's model: one file each, named as in profiles/world/dvc.yaml."""
