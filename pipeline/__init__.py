"""From words to feature vectors: prompts -> images -> features."""
