"""Methods as data, the loop over noise levels, and a prompt's particle set."""
