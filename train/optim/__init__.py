"""The update of the weights, and its rate."""
