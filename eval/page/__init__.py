"""`roadseg demo`: a local page on which a person drops pictures and sees what a network finds."""
