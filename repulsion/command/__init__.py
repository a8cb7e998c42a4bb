"""The command `repulsion`."""
