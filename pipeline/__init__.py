"""From words to feature vectors: prompts -> images -> features. Everything here may import torch."""
