"""What a backend can do with shapes that depend on values."""

import keras


def can_select() -> bool:
    """Return whether a graph of this backend may hold arrays as long as their values decide.

    TensorFlow's can, unless XLA compiles them, which a function that is being traced cannot see;
    on other backends it depends on how the code is called, so the answer is no.
    """
    return keras.backend.backend() == "tensorflow"
