"""Words of a command to typed values, and what a command says while it runs."""
