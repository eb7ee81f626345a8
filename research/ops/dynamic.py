"""What a backend can do with shapes that depend on values."""

from typing import Any

import keras
from keras import ops

from roadseg.ops.backend import tensorflow

Tensor = Any


def can_select() -> bool:
    """Return whether a graph of this backend may hold arrays as long as their values decide.

    TensorFlow's can, unless XLA compiles them, which a function that is being traced cannot see;
    on other backends it depends on how the code is called, so the answer is no.
    """
    return keras.backend.backend() == "tensorflow"


def places_of(mask: Tensor) -> Tensor:
    """Return where `mask` (n,) holds, ascending, int32; only where `can_select()`.

    As `ops.nonzero`, in the form that converters of TensorFlow graphs know.
    """
    return ops.cast(tensorflow().where(mask)[:, 0], "int32")
