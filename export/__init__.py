"""Trained runs to files that other programs run."""
