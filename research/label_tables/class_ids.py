"""Class ids that callers pass to functions: lists, tuples, sets and arrays alike."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

INT32 = np.iinfo(np.int32)


def class_ids(values: Iterable[int], name: str = "target_classes") -> tuple[int, ...]:
    """Return ids in the order that they are given in, as Python's integers.

    Raises ValueError naming `name` and the value for what is no list of whole numbers: a mask of
    booleans, text, floats, ids that no label map can hold.
    """
    listed: Any = values.tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(listed, Iterable) or isinstance(listed, str | bytes):
        raise ValueError(f"{name} is {values!r}; pass a list of class ids, or None")
    return tuple(label_id(value, name) for value in listed)


def label_id(value: Any, name: str) -> int:
    """Return `value` as an int that a label map can hold; ValueError for any other."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not INT32.min <= value <= INT32.max:
        raise ValueError(f"{name} holds {value!r}; class ids are whole 32-bit numbers")
    return int(value)
