"""Measures of a segmentation, and of what a network costs."""
