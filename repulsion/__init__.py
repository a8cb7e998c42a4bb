"""Repulsion between the samples of one prompt, for diffusion models."""
