"""Claims as numbers: the thesis's and this suite's, each of which holds where its number is above 0."""
