"""Figures of several profiles."""
