"""Label maps to sampling targets, and grid samples back to pixels, in C++ without the GIL."""
