"""Label tables: names, ids, colours and the ignore value of each data set."""
