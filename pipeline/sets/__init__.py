"""What lies between stages: sets of images and of features: no torch."""
