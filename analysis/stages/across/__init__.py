"""Stages across profiles: what is compared between them, and what is measured for that."""
