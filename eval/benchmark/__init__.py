"""`roadseg benchmark`: time and cost."""
