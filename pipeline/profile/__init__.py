"""A profile: its parameters, prompts and paths, and the command line of its stages: no torch."""
