"""One figure in one script, named as in the text."""
