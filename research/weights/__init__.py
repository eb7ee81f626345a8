"""Published checkpoints in."""
