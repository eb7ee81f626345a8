"""The type in which positions and blends are computed, whatever the policy of a network is."""

from typing import Any

import keras

Tensor = Any


def wide_type(x: Tensor) -> str:
    """Return "float64" where `x` has it, else "float32": half precision rounds whole pixels."""
    return "float64" if keras.backend.standardize_dtype(x.dtype) == "float64" else "float32"
