"""Stages that look at several profiles."""
