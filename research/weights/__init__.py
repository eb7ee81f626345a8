"""Published checkpoints in: ImageNet backbones, TF-slim archives, arrays with the originals' names.

What is below is imported when it is first asked for: help of `roadseg import-weights` is quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadseg.weights.read import load_initial_weights as load_initial_weights

__all__ = ["load_initial_weights"]


def __getattr__(name: str) -> Any:
    if name == "load_initial_weights":
        from roadseg.weights.read import load_initial_weights

        return load_initial_weights
    raise AttributeError(f"module 'roadseg.weights' has no attribute '{name}'")
