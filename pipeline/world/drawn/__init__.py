"""The drawn world: concepts that ten emoji sets draw, each in its own way."""
