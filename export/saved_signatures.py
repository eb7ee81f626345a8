"""Functions with their variables as a SavedModel that nobody trains."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def save_signatures(functions: Mapping[str, Any], folder: Path) -> None:
    """Write `functions`, the `tf.function` of each signature, as a SavedModel to `folder`.

    Each function has an input signature of its own.
    """
    import tensorflow as tf

    module = tf.Module()
    signatures = {name: function.get_concrete_function() for name, function in functions.items()}
    # Variables alone, and those alone that are read: a tracked Keras model would bring its whole
    # object graph along.
    read = {id(one): one for found in signatures.values() for one in _read_by(found.graph)}
    module.weights = list(read.values())
    # Nobody trains it, and gradients of its operations are most of what there is to trace.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures=signatures, options=options)


def _read_by(graph: Any) -> list[Any]:
    """Return the variables of a traced function as it reads them; TensorFlow has no order."""
    places = {id(outer): place for place, (outer, _) in enumerate(graph.captures)}
    return sorted(graph.variables, key=lambda one: places[id(one.handle)])
