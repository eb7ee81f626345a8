"""SGCPNet's published trainings, one data set a file."""
