"""Energies, the spaces they act in, and the force on each particle."""
