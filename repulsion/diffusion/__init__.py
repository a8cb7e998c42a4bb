"""Noise levels, and any Stable Diffusion as denoise(x, sigma)."""
