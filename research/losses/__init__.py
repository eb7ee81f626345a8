"""Losses; those a step trains on are a sum and a count, for a mean over the whole batch."""
