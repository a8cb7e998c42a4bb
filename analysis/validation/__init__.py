"""The metrics of sets whose truth is known."""
