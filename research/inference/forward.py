"""The compiled function from images of any size to what is asked of a network about them."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from roadseg.layers.heads import main_logits
from roadseg.ops.backend import tensorflow
from roadseg.ops.best_class import best_class

Tensor = Any
Outputs = Callable[[Tensor], Mapping[str, Callable[[], Tensor]]]
"""Takes float images (batch, height, width, 3) and returns how each output is got, by its name:
'logits' (batch, height, width, classes), 'labels' (batch, height, width) where there is a quicker
way than the best of the logits, 'locations' (batch, ..., 2) of sampling, and 'checked', what is
looked at for values that are no numbers, if not the logits. What they share is computed before."""

ASKED = ("labels", "logits", "confidence")


def outputs_of(model: keras.Model) -> Outputs:
    """Return the outputs of any network to class logits, or of one behind sampling."""
    return _of_sampled(model) if hasattr(model, "locations") else _of_plain(model)


def outputs_by_name(functions: Mapping[str, Callable[[Tensor], Tensor]]) -> Outputs:
    """Return the outputs that `functions` of the images give, each by itself."""
    return lambda images: {name: partial(way, images) for name, way in functions.items()}


def _of_plain(model: keras.Model) -> Outputs:
    def outputs(images: Tensor) -> Mapping[str, Callable[[], Tensor]]:
        logits = model(images, training=False)
        logits = main_logits(logits)
        return {"logits": lambda: logits}

    return outputs


def _of_sampled(model: Any) -> Outputs:
    def outputs(images: Tensor) -> Mapping[str, Callable[[], Tensor]]:
        views = model.views(images)
        grid = model.grid(views)
        logits = model.logits_at(views, grid, training=False)
        return {
            "labels": lambda: model.unsampled(images, logits, grid, argmax=True),
            "logits": lambda: model.unsampled(images, logits, grid),
            "locations": lambda: model.locations(images, grid),
            "checked": lambda: logits,
        }

    return outputs


def labels_of(outputs: Outputs, images: Tensor) -> Tensor:
    """Return the labels (batch, height, width) int32 alone, for a graph of the caller's own."""
    ways = outputs(images)
    return ops.cast(ways["labels"](), "int32") if "labels" in ways else best_class(ways["logits"]())


class Forward:
    """Calls `Outputs` through one compiled function, traced once whatever sizes come.

    What is not asked for is not computed. Keras's other backends run it operation by operation.
    trace_count: how often it was traced so far. gives: of ASKED, what can be asked for.
    """

    gives: frozenset[str] = frozenset(ASKED)

    def __init__(self, outputs: Outputs) -> None:
        """Keep `outputs`; nothing is traced before the first call."""
        self.trace_count = 0
        self._outputs = outputs
        self._compiled: Any = None
        self._lock = threading.Lock()

    def __call__(self, images: np.ndarray, *asked: str) -> dict[str, np.ndarray]:
        """Return `asked` (of ASKED), and 'locations' where there is sampling, as arrays.

        images: (batch, height, width, 3), 0..255, any type. 'broken', a truth, says whether the
        network gave something that is no number, where its logits can be seen.
        """
        images = np.asarray(images, np.float32)
        wanted = np.array([name in asked for name in ASKED])
        tf = tensorflow()
        if tf is None:
            found = self._compute(images, wanted)
        else:
            found = self._in_graph(tf)(tf.constant(images), tf.constant(wanted))
        keep = {*asked, "locations", "broken"}
        return {name: ops.convert_to_numpy(value) for name, value in found.items() if name in keep}

    def _in_graph(self, tf: Any) -> Any:
        # Threads that come at once have to share one function, or each would trace its own.
        with self._lock:
            if self._compiled is None:
                kinds = [
                    tf.TensorSpec((None, None, None, 3), tf.float32),
                    # What is asked for is an input too: asking for something else traces nothing.
                    tf.TensorSpec((3,), tf.bool),
                ]
                self._compiled = tf.function(self._compute, input_signature=kinds, autograph=False)
        return self._compiled

    def _compute(self, images: Tensor, wanted: Any) -> dict[str, Tensor]:
        # In a graph this line runs once a trace, and not when the graph is called.
        self.trace_count += 1
        ways = self._outputs(images)
        found = {}
        if "logits" in ways:
            own = "labels" in ways
            # Without a quicker way labels are the best of the logits, which are then needed always.
            needed = wanted[1] | wanted[2] if own else True
            logits = _only_if(needed, lambda: ops.cast(ways["logits"](), "float32"), 4)
            found["logits"] = _only_if(wanted[1], lambda: logits, 4)
            found["confidence"] = _only_if(wanted[2], lambda: best_share(logits), 3)
        if "labels" in ways:
            found["labels"] = _only_if(
                wanted[0], lambda: ops.cast(ways["labels"](), "int32"), 3, "int32"
            )
        else:
            found["labels"] = _only_if(wanted[0], lambda: best_class(logits), 3, "int32")
        if "checked" in ways or "labels" not in ways:
            checked = ways["checked"]() if "checked" in ways else logits
            # One NaN makes the sum NaN, and no map of truths has to be made.
            found["broken"] = ops.isnan(ops.sum(ops.cast(checked, "float32")))
        if "locations" in ways:
            found["locations"] = ways["locations"]()
        return found


def best_share(logits: Tensor) -> Tensor:
    """Return the share of the best class, 0..1, of logits (..., classes)."""
    # Softmax of the largest alone: its own exponential is 1.
    return 1 / ops.sum(ops.exp(logits - ops.max(logits, axis=-1, keepdims=True)), axis=-1)


def _only_if(wanted: Any, make: Callable[[], Tensor], axes: int, dtype: str = "float32") -> Tensor:
    """Return what `make` gives, with `axes` axes, or something empty unless it is wanted."""
    tf = tensorflow()
    if wanted is True:
        return make()
    if tf is None:
        return make() if wanted else ops.zeros((0,) * axes, dtype)
    # Both branches have to agree in type and number of axes.
    return tf.cond(wanted, make, lambda: tf.zeros((0,) * axes, dtype))
