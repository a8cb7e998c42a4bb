"""The small Stable Diffusion of the painted world: what its training stages share."""
