"""Noise levels, and pipelines of diffusers as denoise(x, sigma): a file for each family of models."""
