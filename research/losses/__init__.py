"""Losses, each a mean over the valid pixels of the whole batch."""
