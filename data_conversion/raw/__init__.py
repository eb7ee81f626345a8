"""Reads and checks the files of a data set as they were published or drawn."""
