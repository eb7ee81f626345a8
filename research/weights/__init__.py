"""Published checkpoints in: ImageNet trunks, TF-slim archives, arrays with the originals' names."""

from roadseg.weights.initial import load_initial_weights

__all__ = ["load_initial_weights"]
