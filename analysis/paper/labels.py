"""What tables and figures call things."""

from __future__ import annotations

SPACE_LABELS = {
    "general": "general",
    "location": "location",
    "style": "style",
    "location_shape": "location (shape)",
    "gram": "style (Gram)",
}


def label(name: str) -> str:
    """A set's or metric's name as people read it."""
    return name.replace("style_classifier_thirds", "style classifier + thirds").replace("_", " ")
