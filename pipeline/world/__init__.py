"""Worlds: scenes whose factors are known, and their renderers."""
