"""How numbers and pictures are printed; the paper and the page."""
