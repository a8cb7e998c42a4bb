"""The particle sets of an image set: made, kept until all are there, packed."""
