"""TensorFlow itself, for the few operations that Keras words otherwise than TensorFlow has them."""

from typing import Any

import keras


def tensorflow() -> Any:
    """Return TensorFlow where Keras runs on it, else None: the package needs it only there."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow

    return tensorflow
