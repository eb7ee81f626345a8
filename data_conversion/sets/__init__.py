"""One file for each data set: its options, and how its files are found."""
