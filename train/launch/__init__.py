"""Training on several machines: starts the workers, or tells each of them of the others."""
