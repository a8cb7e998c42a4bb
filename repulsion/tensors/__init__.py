"""Noise, weights on disk, pixels and slices of batches."""
