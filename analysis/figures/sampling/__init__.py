"""Figures of how methods work."""
