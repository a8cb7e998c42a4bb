"""The metrics' validation, which is shipped and shared by profiles: its tables, and what a space should see."""

from __future__ import annotations

CURVES, SENSITIVITY, RANKING_ERRORS, LEAST_N = "curves", "sensitivity", "ranking_errors", "least_n"
# What a space's metrics should see, by its name's beginning; the general space should see both.
SEES = {"location": "places", "style": "artists", "gram": "artists"}


def seen(metric: str, space: str) -> str:
    """The dial that a metric in a space should see; empty where that is not one alone."""
    readings = {"effective_artists": "artists", "place_spread": "places", "place_coverage": "places"}
    return readings.get(metric) or SEES.get(space.split("_")[0], "")
