"""TensorFlow itself, for the few operations that Keras words otherwise than TensorFlow has them."""

import sys
from typing import Any

import keras


def tensorflow() -> Any:
    """Return TensorFlow where Keras runs on it, else None: the package needs it only there."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow

    return tensorflow


def graph_elsewhere() -> Any:
    """Return TensorFlow in a graph of its own while Keras runs on something else, else None.

    tf.data makes batches on TensorFlow, whatever Keras trains on.
    """
    if keras.backend.backend() == "tensorflow":
        return None
    # Without a graph nobody needs it to be imported.
    there = sys.modules.get("tensorflow")
    return there if there is not None and there.inside_function() else None
