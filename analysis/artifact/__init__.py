"""The repository as an artifact: results against expected ones, for reviewers; what archives are made of."""
