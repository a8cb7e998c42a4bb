"""The small Stable Diffusion of a world: what its training stages share."""
