"""Noise levels, x0 from predictions, and Stable Diffusion in a folder."""
