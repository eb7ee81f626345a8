"""The type in which positions and blends are computed, whatever the policy of a network is."""

from typing import Any

import keras

from roadseg.ops.backend import tensorflow

Tensor = Any


def wide_type(x: Tensor) -> str:
    """Return "float64" where `x` has it, else "float32": half precision rounds whole pixels."""
    return "float64" if keras.backend.standardize_dtype(x.dtype) == "float64" else "float32"


def counting_types() -> tuple[str, str]:
    """Return the widest integers and numbers of the backend, as it starts: JAX's have 32 bits."""
    return ("int32", "float32") if tensorflow() is None else ("int64", "float64")
