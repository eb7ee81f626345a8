"""Where a run begins."""
