"""The published system: learned sampling near semantic boundaries (arXiv:1907.07156)."""
