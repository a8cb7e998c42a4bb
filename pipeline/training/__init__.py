"""One restartable training loop, and the trajectories that the style classifier learns from."""
