"""From an image to logits, labels and confidence: the one way, for every kind of network."""
