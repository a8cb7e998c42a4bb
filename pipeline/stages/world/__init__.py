"""The stages that make a world's model: one file each, named as in profiles/world/dvc.yaml."""
