"""`roadseg compare`: runs as arms of an experiment."""
