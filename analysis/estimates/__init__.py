"""Means with intervals, and the numbers made of them."""
