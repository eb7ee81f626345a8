"""Keras's operations, and in graphs of tf.data TensorFlow's where Keras runs on another backend.

To be imported as `ops` by what also makes batches: resizes and edges. In such a graph there is as
much as these need, with the same values.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from roadseg.ops.backend import graph_elsewhere

Tensor = Any


def _shape(tf: Any, x: Tensor) -> tuple[Any, ...]:
    known, found = x.shape.as_list(), tf.shape(x)
    return tuple(found[i] if side is None else side for i, side in enumerate(known))


def _arange(tf: Any, start: Any, stop: Any = None, dtype: str | None = None) -> Tensor:
    return tf.range(start, dtype=dtype) if stop is None else tf.range(start, stop, dtype=dtype)


def _pad(tf: Any, x: Tensor, width: Any, mode: str = "constant") -> Tensor:
    return tf.pad(x, width, mode)


def _max_pool(tf: Any, x: Tensor, size: int, strides: int, padding: str) -> Tensor:
    return tf.nn.max_pool2d(x, size, strides, padding.upper())


IN_GRAPH: dict[str, Callable[..., Any]] = {
    "abs": lambda tf, x: tf.abs(x),
    "arange": _arange,
    "cast": lambda tf, x, dtype: tf.cast(x, dtype),
    "clip": lambda tf, x, low, high: tf.clip_by_value(x, low, high),
    "convert_to_tensor": lambda tf, x, dtype=None: tf.convert_to_tensor(x, dtype),
    "logical_and": lambda tf, x, y: tf.logical_and(x, y),
    "logical_not": lambda tf, x: tf.logical_not(x),
    "logical_xor": lambda tf, x, y: tf.math.logical_xor(x, y),
    "max_pool": _max_pool,
    "maximum": lambda tf, x, y: tf.maximum(x, y),
    "minimum": lambda tf, x, y: tf.minimum(x, y),
    "pad": _pad,
    "reshape": lambda tf, x, shape: tf.reshape(x, shape),
    "shape": _shape,
    "stack": lambda tf, x: tf.stack(x),
    "take": lambda tf, x, places, axis: tf.gather(x, places, axis=axis),
    "where": lambda tf, condition, x, y: tf.where(condition, x, y),
}


def __getattr__(name: str) -> Any:
    """Return the operation of this name for where it is called."""
    tf = graph_elsewhere()
    if tf is None:
        return getattr(keras.ops, name)
    # Whoever inspects modules, as AutoGraph does, asks for other names as well.
    if name not in IN_GRAPH:
        raise AttributeError(f"no operation '{name}' for graphs of tf.data; add it to IN_GRAPH")
    return partial(IN_GRAPH[name], tf)
