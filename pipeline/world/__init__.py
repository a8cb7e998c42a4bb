"""The painted world: scenes whose factors are known, and a small Stable Diffusion trained on them."""
