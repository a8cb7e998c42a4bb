"""Metrics of sets of feature vectors, and METRICS, their only list."""
