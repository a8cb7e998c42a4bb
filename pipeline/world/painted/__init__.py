"""The painted world: subjects, artists and how each paints."""
