"""Files that stages exchange: sets of images and of features; no torch."""
