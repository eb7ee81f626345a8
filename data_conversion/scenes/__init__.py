"""Draws street scenes: a road in perspective, what stands and moves along it, and its labels."""
