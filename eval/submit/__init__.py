"""`roadseg submit`: the files that a benchmark's server takes."""
