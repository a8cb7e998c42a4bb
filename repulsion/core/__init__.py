"""Errors, files and validated settings: no torch."""
