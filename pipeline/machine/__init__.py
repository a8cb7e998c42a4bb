"""What a profile needs of this machine, and what it costs: outside of the stages."""
