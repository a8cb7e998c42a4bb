"""What stages hand on to each other: sets of images and of features; no torch."""
