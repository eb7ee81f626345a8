"""Checks what users pass to this package, once, at the door."""

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import RoadsegError
from roadseg.label_tables import class_ids as ids
from roadseg.processors import usable_cpus

LARGEST_SIDE = 4096
"""Of a grid."""
LARGEST_GRID = 1 << 20
"""Points of a grid that is solved, which takes seconds then."""
LARGEST_VALUE = 1e300
"""Of scores and points."""
LARGEST_IMAGE = 1 << 28
"""Pixels of an image that samples are brought to."""


def label_maps(labels: NDArray) -> NDArray:
    """Return `labels`, (height, width) or a batch of it, as a contiguous batch; uint8 or int32."""
    labels = np.asarray(labels)
    if labels.dtype not in (np.uint8, np.int32):
        raise ValueError(
            f"labels are {labels.dtype}; pass uint8 or int32, e.g. labels.astype('i4')"
        )
    if labels.ndim not in (2, 3):
        raise ValueError(
            f"labels have shape {labels.shape}; pass (height, width) or (batch, height, width)"
        )
    if min(labels.shape[-2:]) < 2:
        raise RoadsegError(
            f"label map of size {labels.shape[-2:]}: both sides must be at least 2 pixels, "
            "or 0..1 along a side has no meaning"
        )
    return aligned(labels if labels.ndim == 3 else labels[None])


def grid_size(grid: Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of a grid; a side of 1 has no first and last row and is refused.

    So are sides above LARGEST_SIDE: memory grows with their square.
    """
    sides = side_pair(grid, "grid", "a grid needs a first and a last row and column")
    if max(sides) > LARGEST_SIDE:
        raise RoadsegError(f"grid {sides}: sides of {LARGEST_SIDE} at most; use fewer points")
    return sides


def image_size(size: Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of an image; a side of 1 has no extent and is refused.

    So are more than LARGEST_IMAGE pixels.
    """
    sides = side_pair(size, "size", "0..1 along a side of one pixel has no meaning")
    if sides[0] * sides[1] > LARGEST_IMAGE:
        raise RoadsegError(f"size {sides}: {LARGEST_IMAGE:,} pixels at most; cut it into tiles")
    return sides


def side_pair(pair: Sequence[int], name: str, reason: str) -> tuple[int, int]:
    """Return two whole numbers of at least 2."""
    sides = tuple(pair) if isinstance(pair, Iterable) else (pair,)
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise ValueError(f"{name} is {pair!r}; pass (height, width) as two whole numbers")
    if min(sides) < 2:
        raise RoadsegError(f"{name} {tuple(map(int, sides))}: {reason}; use sides of 2 or more")
    if max(sides) > ids.INT32.max:
        raise ValueError(f"{name} is {pair!r}; sides above {ids.INT32.max} are not supported")
    return int(sides[0]), int(sides[1])


def class_ids(target_classes: Iterable[int] | None) -> list[int] | None:
    """Return the target classes as sorted int32 ids; None is every class.

    Lists, tuples, sets and arrays are alike. Raises RoadsegError where there is none: it would
    leave no edge, and whoever wants all of them says None.
    """
    if target_classes is None:
        return None
    found = sorted({*ids.class_ids(target_classes)})
    if not found:
        raise RoadsegError("target_classes is empty: no edge would count; pass None for all")
    return found


def real(value: float, name: str) -> float:
    """Return `value` as a float; ValueError for what is no number."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; pass a number")
    return float(value)


def aligned(values: NDArray) -> NDArray:
    """Return `values` as C++ takes them: contiguous, and where the processor wants numbers."""
    return np.require(values, requirements=("C", "A"))


def thread_count(threads: int | None, pieces: int) -> int:
    """Return how many threads to use; None is one for each piece of work, up to the CPUs."""
    if threads is None:
        return max(1, min(pieces, usable_cpus()))
    if not isinstance(threads, Integral) or threads < 1:
        raise ValueError(f"threads is {threads!r}; pass a whole number of at least 1, or None")
    return min(int(threads), 1024)


def finite(values: NDArray, name: str, largest: float = math.inf) -> NDArray:
    """Return `values`; refuse NaN, infinities and what is larger than `largest`, and say how many.

    largest: what can still be computed with; sums and products of larger ones are infinite.
    """
    bad = values.size - int(np.isfinite(values).sum())
    if bad:
        raise ValueError(f"{name}: {bad} of {values.size} values are NaN or infinite")
    if largest < float(np.finfo(values.dtype).max):
        bad = int((np.abs(values) > largest).sum())
        if bad:
            raise ValueError(f"{name}: {bad} of {values.size} values are beyond {largest:g}")
    return values
