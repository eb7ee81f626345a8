"""Learned downsampling: where to sample, how to sample, and the way back to every pixel."""
