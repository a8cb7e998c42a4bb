"""A profile with its analysis parameters; its results, whole or an error."""
