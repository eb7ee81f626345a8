"""Functions with their variables as a SavedModel that nobody trains."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def save_signatures(functions: Mapping[str, Any], variables: Iterable[Any], folder: Path) -> None:
    """Write `functions`, the `tf.function` of each signature, as a SavedModel to `folder`.

    variables: the Keras variables that they read. Each function has an input signature of its own.
    """
    import tensorflow as tf

    module = tf.Module()
    # Variables alone: a tracked Keras model would bring its whole object graph along.
    module.weights = [variable.value for variable in variables]
    signatures = {name: function.get_concrete_function() for name, function in functions.items()}
    # Nobody trains it, and gradients of its operations are most of what there is to trace.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures=signatures, options=options)
