"""What carries over from one profile to another."""
