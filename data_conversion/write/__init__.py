"""The tfds builders, and what they write."""
