"""The stages of the analysis: one file each, named as in dvc.yaml."""
