"""One flat file of published numbers for each recipe."""
