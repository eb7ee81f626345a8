"""Rows of a table by their numbers, where these are known to be right."""

from typing import Any

from keras import ops

from roadseg.ops.backend import tensorflow

Tensor = Any


def gather_rows(table: Tensor, places: Tensor) -> Tensor:
    """Return `table[places]`, along its first axis; every place is from 0 to below its length.

    `ops.take` also counts from the end, and for that compares and corrects every place: on
    millions of pixels as much work as the look-up, and most of it in runtimes of other formats.
    """
    tf = tensorflow()
    return ops.take(table, places, axis=0) if tf is None else tf.gather(table, places)
